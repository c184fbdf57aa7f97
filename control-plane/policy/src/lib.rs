//! Decision policies in CEL: checked when loaded, bounded when run.
