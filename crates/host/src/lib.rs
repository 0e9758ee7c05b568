//! Edgewit host.
