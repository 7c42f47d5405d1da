"""The reward model: the base with the LoRA adapter `reward` and a scalar head, trained on rankings."""
