//! The servers that are asked over HTTP: rollcall's, and a bare one. Each in a process of its own, with
//! one worker and a table of its own, whose phones refresh when the asking process says so.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::header::ContentType,
    web,
    web::{Bytes, Data},
};
use anyhow::{bail, ensure};

use super::layout;
use crate::{
    adapter::{self, Node, now},
    fixture::phones::{Fleet, Maker, Phone},
    process::tell,
};

/// The longest answer of the bare server.
const LONGEST: usize = 16 << 20;

/// Serves a table of so many phones as the program does, until its input ends.
pub(crate) fn serve(phones: u32) -> anyhow::Result<()> {
    run(phones, &Arc::default(), adapter::serve)
}

/// Serves as many bytes as it is told to, until its input ends: one route, no middleware.
pub(crate) fn serve_bytes(phones: u32) -> anyhow::Result<()> {
    let length = Arc::<AtomicUsize>::default();
    let asked = Data::from(Arc::clone(&length));
    let bytes = Data::new(Bytes::from(vec![b'x'; LONGEST]));
    run(phones, &length, |_, listener| {
        let app = move || {
            App::new()
                .app_data(Data::clone(&asked))
                .app_data(Data::clone(&bytes))
                .route(
                    "/v2/accounts/{account}/registrations{rest:.*}",
                    web::get().to(answer),
                )
        };
        let server = HttpServer::new(app)
            .workers(1)
            .keep_alive(Duration::from_mins(1))
            .disable_signals();
        Ok(server.listen(listener)?.run())
    })
}

async fn answer(length: Data<AtomicUsize>, bytes: Data<Bytes>) -> HttpResponse {
    let length = length.load(Ordering::Relaxed).min(LONGEST);
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(bytes.slice(..length))
}

fn run(
    phones: u32,
    length: &AtomicUsize,
    server: impl FnOnce(&Node, TcpListener) -> anyhow::Result<facade::Server>,
) -> anyhow::Result<()> {
    let (node, maker, mut event) = (Node::new()?, Maker::new(7200), Vec::new());
    for phone in layout(phones).into_iter().flat_map(Fleet::phones) {
        maker.write(phone, now(), &mut event);
        ensure!(node.deliver(&event), "an event was not taken");
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let runtime = tokio::runtime::Runtime::new()?;
    let server = runtime.block_on(async { server(&node, listener) })?;
    let handle = server.handle();
    let serving = runtime.spawn(server);
    tell(&port.to_string());
    obey(&node, maker, length)?;
    runtime.block_on(async {
        handle.stop(false).await;
        serving.await
    })??;
    Ok(())
}

/// Does what comes by standard input, until that ends. After each order it says so.
///
/// `R`, a number (4 bytes, little-endian) and as many phones (their accounts and numbers, 4 bytes
/// each): these refresh. `L` and a number: an answer is so long.
fn obey(node: &Node, maker: Maker, length: &AtomicUsize) -> anyhow::Result<()> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let (mut order, mut event) = ([0], Vec::new());
    while input.read(&mut order)? == 1 {
        let number_of = |input: &mut dyn Read| {
            let mut bytes = [0; 4];
            input.read_exact(&mut bytes)?;
            anyhow::Ok(u32::from_le_bytes(bytes))
        };
        let number = number_of(&mut input)?;
        match order {
            [b'R'] => {
                for _ in 0..number {
                    let (account, number) = (number_of(&mut input)?, number_of(&mut input)?);
                    maker.write(Phone { account, number }, now(), &mut event);
                    node.deliver(&event);
                }
            }
            [b'L'] => length.store(number as usize, Ordering::Relaxed),
            _ => bail!("no order {order:?}"),
        }
        output.write_all(b".")?;
        output.flush()?;
    }
    Ok(())
}
