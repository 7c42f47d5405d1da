"""What a stranger's file, a fault or a kill does to Plumbline: each attack that was found has its test."""
