//! A client that is neither hyper nor of these tests: curl, over both versions of HTTP on the same port.

use std::process::{Command, Output};

use crate::events;
use crate::support::{Served, curl, q, run, serve_raw};
use crate::upstream::Gate;

/// The option that picks a version, and what the version is called.
const VERSIONS: [(&str, &str); 2] = [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")];

/// Asks for a target. What it prints ends with a line of version and status.
async fn ask(served: &Served, version: &str, target: &str, more: &[&str]) -> Output {
    let mut command = Command::new(curl());
    command
        .args(["-q", "--silent", "--show-error", "--noproxy", "*", version])
        .args(["--write-out", "\n%{http_version} %{response_code}"])
        .args(more)
        .arg(format!("http://{}{target}", served.address));
    let run = tokio::task::spawn_blocking(move || command.output());
    run.await.unwrap().expect("curl runs")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn curl_speaks_both_versions_on_one_port() {
    run(async {
        let served = serve_raw("curl").await;
        for (option, version) in VERSIONS {
            let fields = ["-H", "x-a: 1", "-X", "PUT"];
            let report = printed(&ask(&served, option, "/p?a", &fields).await);
            let uri = format!("uri http://{}/p?a", served.address);
            let attribute = format!("attribute network.protocol.version={version}");
            for line in ["method PUT", &uri, "x-a: 1", &attribute] {
                assert!(report.lines().any(|it| it == line), "{line}: {report}");
            }
            assert!(report.ends_with(&format!("\n{version} 200")), "{report}");
            let refused = printed(&ask(&served, option, "/trap", &[]).await);
            assert_eq!(refused, format!("\n{version} 500"));
        }
    });
}

#[test]
fn curl_s_uploads_come_back_whole() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        let body: Vec<u8> = (0..300_000u32).map(|n| n.to_le_bytes()[1]).collect();
        std::fs::write(&path, &body).unwrap();
        let data = format!("@{}", path.display());
        let served = serve_raw("curl-uploads").await;
        for (option, version) in VERSIONS {
            for target in ["/echo", "/forward"] {
                let output = ask(&served, option, target, &["--data-binary", &data]).await;
                let end = format!("\n{version} 200");
                let came = output.stdout.strip_suffix(end.as_bytes());
                assert!(
                    came == Some(&body),
                    "{option} {target}: {:?}",
                    output.stderr
                );
            }
        }
        events::line("curl-uploads", 4).await;
        assert!(events::errors("curl-uploads").is_empty());
    });
}

/// It resets its stream, or its connection, where its time is up.
#[test]
fn a_curl_that_gives_up_is_a_client_that_is_gone() {
    run(async {
        for (option, name) in [
            (VERSIONS[0].0, "curl-gone-1"),
            (VERSIONS[1].0, "curl-gone-2"),
        ] {
            let gate = Gate::new().await;
            let target = format!("/source?pieces=9&gate={}", q(&q(&gate.url())));
            let served = serve_raw(name).await;
            let output = ask(&served, option, &target, &["--max-time", "0.3"]).await;
            assert_eq!(output.status.code(), Some(28), "{output:?}");
            let closed =
                |event: &events::Logged| event.message() == "after-reply Err(BodyError::Closed)";
            while !events::of(name).iter().any(closed) {
                gate.open();
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    });
}
