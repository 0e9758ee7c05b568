//! Edgewit.
