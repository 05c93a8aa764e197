"""What every platform keeps, whichever it is: one suite over all adapters and fakes."""
