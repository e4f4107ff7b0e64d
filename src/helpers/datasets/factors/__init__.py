"""Tables of factors with a known or unknown graph of causes: the user's, simulated ones, and proteins of cells."""
