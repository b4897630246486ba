"""Notice: what somebody should hear of, and a message about it to an address of theirs."""
