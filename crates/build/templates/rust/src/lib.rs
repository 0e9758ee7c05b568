//! Greets whoever is named in the path, and counts their visits.

use edgewit::{App, log};

const GREETING: &str = "hello";

edgewit::export!(App::new().get("/hello/:name", |c| {
    let visits = c.kv("visits")?.increment(c.param("name"), 1)?;
    log::info!("hello visits={visits}");
    Ok(c.text(format!("{GREETING} {}, visit {visits}", c.param("name"))))
}));

#[cfg(test)]
mod tests {
    use edgewit::MessageExt;

    use super::app;

    #[test]
    fn greets_and_counts() {
        let app = app();
        let text = |uri| app.request(uri).text().unwrap();
        assert_eq!(text("/hello/ada"), "hello ada, visit 1");
        assert_eq!(text("/hello/ada"), "hello ada, visit 2");
        assert_eq!(app.request("/bye").status(), 404);
    }
}
