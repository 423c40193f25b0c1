"""One module for each case; `measure` takes its measurements."""
