"""Clinical rules on plain values: no Django, no database, no clock, no chance without a given seed."""
