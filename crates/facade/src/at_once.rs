//! Questions that are asked all day, answered before the framework looks whose they are.
//!
//! To count an account's registrations, or to send a list that was sent before, takes the table less
//! time than it takes the framework to find the route. So these two are known by their first line,
//! and go to the same functions as by way of their routes; what is said is the same. Whatever is out
//! of the ordinary is left to the routes.

use std::{
    borrow::Cow,
    panic::{self, AssertUnwindSafe},
    pin::pin,
    rc::Rc,
    thread,
};

use actix_http::Request;
use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{
        AppConfig, RequestHead, Response, Service, ServiceFactory, ServiceResponse, forward_ready,
    },
    http::{
        Method, StatusCode,
        header::{self, HeaderValue},
    },
    web::Data,
};
use futures_util::{
    FutureExt as _, TryFutureExt as _,
    future::{Either, LocalBoxFuture, MapOk, Ready, ready},
};
use registration::AccountId;
use tracing::{Instrument as _, Level, Span};

use crate::{
    Facade,
    app::{ACCOUNTS, COUNT, LIST, allow_any_origin},
    asked::{Arrival, Asked},
    boundary,
    caller::{self, ToRead},
    error::ApiError,
    listing,
    metrics::Counted,
    registrations,
};

/// The application, and what answers before it.
pub(crate) struct AtOnce<A> {
    known: Rc<Known>,
    app: A,
}

/// What they are answered with, and where the good answers are counted.
struct Known {
    facade: Data<Facade>,
    lists: Counted,
    counts: Counted,
}

impl<A> AtOnce<A> {
    /// In front of this application.
    pub(crate) fn new(facade: Data<Facade>, app: A) -> Self {
        let kept = |route| facade.metrics.kept((&Method::GET, route), StatusCode::OK);
        let (lists, counts) = (kept(LIST), kept(COUNT));
        let known = Known {
            facade,
            lists,
            counts,
        };
        Self {
            known: Rc::new(known),
            app,
        }
    }
}

type Answer = Result<Response<BoxBody>, Error>;

impl<A, B> ServiceFactory<Request> for AtOnce<A>
where
    A: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        >,
    A::Service: 'static,
    A::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = Response<BoxBody>;
    type Error = Error;
    type Config = AppConfig;
    type Service = AtOnce<A::Service>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<Self::Service, ()>>;

    fn new_service(&self, config: AppConfig) -> Self::Future {
        let (known, app) = (Rc::clone(&self.known), self.app.new_service(config));
        Box::pin(async move {
            let app = app.await?;
            Ok(AtOnce { known, app })
        })
    }
}

impl<A, B> Service<Request> for AtOnce<A>
where
    A: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = Response<BoxBody>;
    type Error = Error;
    type Future = Either<
        Either<Ready<Answer>, LocalBoxFuture<'static, Answer>>,
        MapOk<A::Future, fn(ServiceResponse<B>) -> Response<BoxBody>>,
    >;

    forward_ready!(app);

    fn call(&self, request: Request) -> Self::Future {
        let Some(question) = Question::of(request.head()) else {
            return Either::Right(self.app.call(request).map_ok(routed));
        };
        let asking = Asking::new(request, question);
        Either::Left(match asking.answer_now(&self.known) {
            Some(answer) => Either::Left(ready(answer)),
            None => Either::Right(Box::pin(asking.answer(Rc::clone(&self.known)))),
        })
    }
}

fn routed(response: ServiceResponse<impl MessageBody + 'static>) -> Response<BoxBody> {
    response.map_into_boxed_body().into()
}

/// What is wanted of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    List,
    Count,
}

/// A question that can be answered at once.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    account: AccountId,
    wanted: Wanted,
}

impl Question {
    fn of(head: &RequestHead) -> Option<Self> {
        let path = head.uri.path();
        let (account, rest) = path.strip_prefix(ACCOUNTS)?.split_at_checked(32)?;
        let mut encodings = head.headers.get_all(header::ACCEPT_ENCODING);
        let wanted = match rest {
            // Whoever takes a long answer compressed gets it so, from the framework.
            "/registrations" if encodings.next().is_none() => Wanted::List,
            "/registrations/count" if encodings.all(may_be_plain) => Wanted::Count,
            _ => return None,
        };
        let account = AccountId::parse(account).ok()?;
        (head.method == Method::GET).then_some(Self { account, wanted })
    }

    /// What stands behind the endpoint in its path.
    fn arguments(&self) -> &'static str {
        match self.wanted {
            Wanted::List => "",
            Wanted::Count => "count",
        }
    }
}

/// Whether the caller has no word on answers that are not compressed (RFC 9110, 12.5.3), which it may
/// refuse.
fn may_be_plain(encodings: &HeaderValue) -> bool {
    let refusing = |text: &str| text.contains('*') || text.contains("identity");
    encodings.to_str().is_ok_and(|text| !refusing(text))
}

type Answered = Result<HttpResponse, ApiError>;

/// A request that has not come to the routes.
struct Asking {
    request: Request,
    arrival: Arrival,
    question: Question,
    /// Of the request, where somebody looks closely: good answers leave nothing in the log.
    span: Span,
}

impl Asked for Asking {
    fn head(&self) -> &RequestHead {
        self.request.head()
    }

    fn arrival(&self) -> Arrival {
        self.arrival
    }
}

/// A request whose token was looked for: more than one asks for it.
struct Told<'a> {
    asking: &'a Asking,
    token: Option<Cow<'a, str>>,
}

impl Asked for Told<'_> {
    fn head(&self) -> &RequestHead {
        self.asking.head()
    }

    fn arrival(&self) -> Arrival {
        self.asking.arrival()
    }

    fn token(&self) -> Option<Cow<'_, str>> {
        self.token.as_deref().map(Cow::from)
    }
}

/// Does what [`boundary::boundary`] does around the routes, and what the routes do.
impl Asking {
    fn new(request: Request, question: Question) -> Self {
        let arrival = Arrival::of(request.head());
        let span = if tracing::enabled!(Level::DEBUG) {
            boundary::span(request.head(), arrival.id)
        } else {
            Span::none()
        };
        Self {
            request,
            arrival,
            question,
            span,
        }
    }

    /// The answer, if it is not to be waited for.
    fn answer_now(&self, known: &Known) -> Option<Answer> {
        let address = self.head().peer_addr.map(|address| address.ip());
        let facade = &known.facade;
        let answering = || match facade.throttle.admit_request(address) {
            // Without the heap. Should it wait after all, it is asked anew.
            Ok(()) if facade.auth.asks_nobody() => pin!(self.wait(facade)).now_or_never(),
            Ok(()) => None,
            Err(error) => Some(Err(error)),
        };
        let answering = AssertUnwindSafe(|| self.span.in_scope(answering));
        let answered = panic::catch_unwind(answering).transpose()?;
        Some(self.finish(known, answered))
    }

    async fn answer(self, known: Rc<Known>) -> Answer {
        // Not moved any more, as it is large.
        let answering = pin!(self.wait(&known.facade));
        let answering = AssertUnwindSafe(answering).catch_unwind();
        let answered = answering.instrument(self.span.clone()).await;
        self.finish(&known, answered)
    }

    async fn wait(&self, facade: &Facade) -> Answered {
        let (asking, token) = (self, self.token());
        let told = Told { asking, token };
        let (account, arguments) = (&self.question.account, self.question.arguments());
        let scope = caller::scope::<ToRead>(&told, facade, account, arguments).await?;
        match self.question.wanted {
            Wanted::List => listing::answer(&told, facade, Some(&scope)),
            Wanted::Count => registrations::count_of(&told, facade, &scope),
        }
    }

    fn finish(&self, known: &Known, answered: thread::Result<Answered>) -> Answer {
        let (facade, Arrival { id, at }) = (&known.facade, self.arrival);
        let span = if self.span.is_none() && !matches!(answered, Ok(Ok(_))) {
            boundary::span(self.head(), id)
        } else {
            self.span.clone()
        };
        let _entered = span.enter();
        let mut response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => boundary::refusal(self, facade, &error),
            Err(_) => return Err(boundary::panicked(id, &span)),
        };
        let size = response.body().size();
        boundary::finish(response.headers_mut(), size, id);
        allow_any_origin(response.headers_mut());
        let (method, took) = (&self.head().method, at.elapsed());
        let status = response.status();
        match (status, self.question.wanted) {
            (StatusCode::OK, Wanted::List) => known.lists.add(took),
            (StatusCode::OK, Wanted::Count) => known.counts.add(took),
            (_, Wanted::List) => facade.metrics.answered((method, LIST), status, took),
            (_, Wanted::Count) => facade.metrics.answered((method, COUNT), status, took),
        }
        boundary::log(method, status, took);
        Ok(response.into())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    const ID: &str = "4f1c2d3e4f5061728394a5b6c7d8e9f0";

    fn wanted(request: TestRequest) -> Option<Wanted> {
        let request = request.to_request();
        let question = Question::of(request.head())?;
        assert_eq!(question.account.as_str(), ID);
        Some(question.wanted)
    }

    #[test]
    fn only_plain_questions_are_answered_at_once() {
        let list = format!("/v2/accounts/{ID}/registrations");
        let count = format!("{list}/count");
        let get = |uri: &str| TestRequest::with_uri(uri);
        assert_eq!(wanted(get(&list)), Some(Wanted::List));
        assert_eq!(wanted(get(&format!("{list}?a=b"))), Some(Wanted::List));
        assert_eq!(wanted(get(&count)), Some(Wanted::Count));
        let zipped = ("Accept-Encoding", "gzip");
        assert_eq!(wanted(get(&list).insert_header(zipped)), None);
        assert_eq!(
            wanted(get(&count).insert_header(zipped)),
            Some(Wanted::Count)
        );
        let never = ("Accept-Encoding", "gzip, identity;q=0");
        assert_eq!(wanted(get(&count).insert_header(never)), None);
        let both = get(&count).append_header(zipped).append_header(never);
        assert_eq!(wanted(both), None);
        for method in [Method::HEAD, Method::DELETE, Method::POST, Method::OPTIONS] {
            assert_eq!(wanted(get(&count).method(method)), None);
        }
        for other in [
            format!("{list}/"),
            format!("{list}/amy"),
            format!("/v1{list}"),
            list.replace(ID, &ID.to_uppercase()),
            list.replace(ID, "4f1c2d3e4f5061728394a5b6c7d8e9f\u{e9}"),
            "/v2/accounts/".to_owned(),
        ] {
            let Ok(uri) = other.parse::<actix_web::http::Uri>() else {
                continue;
            };
            assert_eq!(wanted(TestRequest::default().uri(&uri.to_string())), None);
        }
    }
}
