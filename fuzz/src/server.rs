//! The facade's app in this process, without a socket.

use std::{cell::RefCell, mem::ManuallyDrop, rc::Rc, sync::Arc};

use actix_web::{
    body,
    dev::Service as _,
    http::{
        Method, Uri,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    rt::{System, SystemRunner},
    test::{self, TestRequest},
    web::{Bytes, Data},
};
use facade::{Facade, Summary, Throttle, ThrottleSettings, auth::Auth};
use futures_util::future::LocalBoxFuture;
use registrar::{Feed, Registrar};
use registration::Clock;

const MAX_BODY_BYTES: usize = 4096;

/// A request as it is sent.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

/// An answer as it arrives; no body where it has no end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

thread_local! {
    static RUNTIME: ManuallyDrop<SystemRunner> = ManuallyDrop::new(System::new());
}

/// Waits for it.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// What is made once and used for many inputs. Never dropped at the thread's end, when others that it
/// needs are gone.
pub(crate) struct Once<T>(RefCell<ManuallyDrop<Option<T>>>);

impl<T> Once<T> {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(ManuallyDrop::new(None)))
    }

    /// Uses it; makes it first if it is not there, and anew the next time if `used` says so.
    pub(crate) fn with(&self, make: impl FnOnce() -> T, used: impl FnOnce(&T) -> bool) {
        let mut slot = self.0.borrow_mut();
        if used(slot.get_or_insert_with(make)) {
            **slot = None;
        }
    }
}

/// A server that answers one request after another.
pub(crate) struct Server {
    answer: Box<dyn Fn(Request) -> LocalBoxFuture<'static, Answer>>,
}

impl Server {
    pub(crate) fn new(registrar: Arc<Registrar>, clock: Arc<dyn Clock>, auth: Auth) -> Self {
        let facade = Data::new(Facade {
            registrar,
            auth,
            description: facade::description(),
            feed: Feed::new(8).0,
            summary: Summary::new(Arc::clone(&clock)).0,
            throttle: Arc::new(Throttle::new(ThrottleSettings {
                requests: None,
                failures: u32::MAX,
            })),
            clock,
            node: "rollcall@fuzz".into(),
            metrics: facade::Metrics::default(),
            echo_token: true,
        });
        let app = facade::create_app(facade, MAX_BODY_BYTES);
        let app = Rc::new(wait(test::init_service(app)));
        Self {
            answer: Box::new(move |request| {
                let app = Rc::clone(&app);
                Box::pin(async move {
                    let mut test = TestRequest::with_uri(&request.uri.to_string());
                    test = test.method(request.method);
                    for header in request.headers {
                        test = test.append_header(header);
                    }
                    match app.call(test.set_payload(request.body).to_request()).await {
                        Ok(response) => {
                            let status = response.status().as_u16();
                            let headers = response.headers().clone();
                            let is_endless = headers
                                .get("content-type")
                                .is_some_and(|kind| kind == "text/event-stream");
                            let body = if is_endless {
                                None
                            } else {
                                body::to_bytes(response.into_body()).await.ok()
                            };
                            Answer {
                                status,
                                headers,
                                body,
                            }
                        }
                        Err(error) => Answer {
                            status: error.as_response_error().status_code().as_u16(),
                            headers: HeaderMap::new(),
                            body: None,
                        },
                    }
                })
            }),
        }
    }

    pub(crate) fn answer(&self, request: Request) -> Answer {
        wait((self.answer)(request))
    }
}
