"""The Review tab: pairs, agreement, bias, labelers."""
