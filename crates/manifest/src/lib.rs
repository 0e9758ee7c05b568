//! Edgewit manifest.
