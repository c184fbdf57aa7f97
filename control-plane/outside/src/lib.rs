//! Calls to what is outside: which addresses are permitted, with which bounds and deadlines.
