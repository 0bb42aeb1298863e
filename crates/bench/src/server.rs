//! The servers that are asked over HTTP: rollcall's, and one that has the answer in memory. Each in
//! a process of its own, with one worker, so that who asks has the other processor.

use std::{
    collections::HashMap, fs, io::Read as _, net::TcpListener, path::Path, sync::Arc,
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::header::{HeaderName, HeaderValue},
    web::{self, Bytes, Data},
};
use anyhow::ensure;
use facade::{
    Facade, ServerSettings, Throttle, ThrottleSettings,
    auth::{Auth, StaticTokens},
};
use registration::SystemClock;
use rollcall::{config::Log, telemetry};
use serde_json::json;

use crate::{
    adapter::{NODE, Node, now},
    child::say,
    event::{Fleet, Maker},
};

/// What callers show.
pub const TOKEN: &str = "secret";
/// Its SHA-256.
const HASH: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

const WORKERS: usize = 1;

/// The accounts of a table of so many phones: those of 5, of 100, of 1000.
pub fn layout(phones: u32) -> [Fleet; 3] {
    let mut first_account = 0;
    [(3, 5), (3, 100), (4, 1000)].map(|(tenths, per_account)| {
        let accounts = (phones / 10 * tenths / per_account).max(1);
        let fleet = Fleet {
            first_account,
            accounts,
            per_account,
        };
        first_account += accounts;
        fleet
    })
}

/// Serves a table of so many phones as the program does, until its input ends.
pub fn serve(phones: u32) -> anyhow::Result<()> {
    telemetry::init(&Log::default())?;
    let node = Node::new()?;
    let maker = Maker::new(7200)?;
    let mut event = Vec::new();
    for phone in layout(phones).into_iter().flat_map(Fleet::phones) {
        maker.write(phone, now(), &mut event);
        ensure!(node.deliver(&event), "an event was not taken");
    }
    let tokens = format!(
        "[[token]]\nname = \"bench\"\nsha256 = \"{HASH}\"\naccounts = [\"*\"]\nwrite = true\n"
    );
    let facade = Facade {
        registrar: Arc::clone(&node.registrar),
        auth: Auth::Static(StaticTokens::parse(&tokens)?),
        description: facade::description(),
        feed: Arc::clone(&node.feed),
        throttle: Arc::new(Throttle::new(ThrottleSettings {
            requests: None,
            failures: 60,
        })),
        clock: Arc::new(SystemClock),
        node: NODE.into(),
        echo_token: true,
        metrics: facade::Metrics::default(),
        summary: Arc::clone(&node.summary),
    };
    let settings = ServerSettings {
        workers: WORKERS,
        max_body_bytes: 65_536,
        max_connections: 10_000,
        keep_alive: Duration::from_mins(1),
        request_timeout: Duration::from_secs(5),
        certificate: None,
        drain_timeout: Duration::from_secs(1),
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    until_input_ends(port, || Ok(facade::serve(facade, listener, &settings)?))
}

/// An answer as it is sent again and again.
struct Same {
    head: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

impl Same {
    /// What a server answers.
    async fn of(client: &reqwest::Client, url: &str) -> anyhow::Result<Self> {
        let asking = client.get(url).header("X-Auth-Token", TOKEN).send();
        let answer = asking.await?.error_for_status()?;
        // These the server writes itself.
        let own = |name: &str| name == "date" || name == "content-length";
        let head = answer.headers().iter();
        let head = head
            .filter(|(name, _)| !own(name.as_str()))
            .map(|(name, value)| {
                anyhow::Ok((
                    name.as_str().parse()?,
                    HeaderValue::from_bytes(value.as_bytes())?,
                ))
            });
        Ok(Self {
            head: head.collect::<anyhow::Result<_>>()?,
            body: answer.bytes().await?,
        })
    }
}

/// Serves what a server answers to each of a file's paths, from memory, until its input ends.
pub fn serve_bytes(port: u16, paths: &Path) -> anyhow::Result<()> {
    let paths = fs::read_to_string(paths)?;
    let same = tokio::runtime::Runtime::new()?.block_on(async {
        let client = lab::http::client();
        let mut same = HashMap::new();
        for path in paths.lines() {
            let url = format!("http://127.0.0.1:{port}{path}");
            same.insert(path.to_owned(), Same::of(&client, &url).await?);
        }
        anyhow::Ok(same)
    })?;
    let same = Data::new(same);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    until_input_ends(port, || {
        let app = move || {
            App::new()
                .app_data(Data::clone(&same))
                .default_service(web::to(answer))
        };
        let server = HttpServer::new(app)
            .workers(WORKERS)
            .keep_alive(Duration::from_mins(1))
            .disable_signals();
        Ok(server.listen(listener)?.run())
    })
}

async fn answer(req: HttpRequest, same: Data<HashMap<String, Same>>) -> HttpResponse {
    let Some(same) = same.get(req.path()) else {
        return HttpResponse::NotFound().finish();
    };
    let mut response = HttpResponse::Ok();
    for (name, value) in &same.head {
        response.insert_header((name, value));
    }
    response.body(Bytes::clone(&same.body))
}

fn until_input_ends(
    port: u16,
    server: impl FnOnce() -> anyhow::Result<facade::Server>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let server = server()?;
        let handle = server.handle();
        let serving = tokio::spawn(server);
        say(&json!({ "port": port }));
        // Whoever has started this holds the other end.
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        handle.stop(false).await;
        serving.await??;
        Ok(())
    })
}
