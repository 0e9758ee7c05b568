//! Edgewit build.
