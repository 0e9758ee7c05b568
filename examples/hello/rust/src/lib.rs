//! Greets by name, and counts the visits of each.

use edgewit::App;

const GREETING: &str = "hello";

edgewit::export!(
    App::new()
        .get("/", |c| Ok(c.text(format!("{GREETING}, whoever you are"))))
        .get("/hello/:name", |c| {
            let visits = c.kv("visits")?.increment(c.param("name"), 1)?;
            log::info!("hello visits={visits}");
            Ok(c.text(format!("{GREETING} {}, visit {visits}", c.param("name"))))
        })
);

#[cfg(test)]
mod tests {
    use edgewit::MessageExt;

    use super::app;

    #[test]
    fn greets_and_counts() {
        let app = app();
        let reply = app.request("/hello/ada");
        assert_eq!(reply.text().unwrap(), "hello ada, visit 1");
        let reply = app.request("/hello/ada");
        assert_eq!(reply.text().unwrap(), "hello ada, visit 2");
        let reply = app.request("/hello/bob");
        assert_eq!(reply.text().unwrap(), "hello bob, visit 1");
    }

    #[test]
    fn greets_whoever_comes() {
        let reply = app().request("/");
        assert_eq!(reply.status(), 200);
        assert_eq!(reply.text().unwrap(), "hello, whoever you are");
        assert_eq!(app().request("/bye").status(), 404);
    }
}
