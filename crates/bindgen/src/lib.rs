//! Edgewit bindgen.
