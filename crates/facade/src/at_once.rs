//! Questions that are asked all day, answered before the framework looks whose they are.
//!
//! To count an account's registrations, or to send a list that was sent before, takes the table less
//! time than it takes the framework to find the route. So these two are known by their first line,
//! and go to the same functions as by way of their routes; what is said is the same. Whatever is out
//! of the ordinary is left to the routes.

use std::{panic::AssertUnwindSafe, rc::Rc, time::Instant};

use actix_http::Request;
use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, EitherBody, MessageBody},
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
    future::{Either, LocalBoxFuture, MapOk},
};
use registration::AccountId;
use tracing::{Instrument as _, Level, Span};

use crate::{
    Facade,
    app::{ACCOUNT, COUNT, LIST, allow_any_origin},
    asked::Asked,
    boundary::{self, RequestId},
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

type Answer<B> = Result<Response<EitherBody<B>>, Error>;

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
    type Response = Response<EitherBody<B>>;
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
    type Response = Response<EitherBody<B>>;
    type Error = Error;
    type Future = Either<
        LocalBoxFuture<'static, Answer<B>>,
        MapOk<A::Future, fn(ServiceResponse<B>) -> Response<EitherBody<B>>>,
    >;

    forward_ready!(app);

    fn call(&self, request: Request) -> Self::Future {
        match Question::of(request.head()) {
            Some(question) => {
                let answering = answer(Rc::clone(&self.known), request, question);
                Either::Left(Box::pin(answering))
            }
            None => Either::Right(self.app.call(request).map_ok(routed::<B>)),
        }
    }
}

fn routed<B: MessageBody>(response: ServiceResponse<B>) -> Response<EitherBody<B>> {
    let response: Response<B> = response.into();
    response.map_body(|_, body| EitherBody::left(body))
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
        let before = ACCOUNT.split('{').next()?;
        let (account, rest) = head.uri.path().strip_prefix(before)?.split_at_checked(32)?;
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

    async fn answer(&self, req: &AtTheDoor, facade: &Facade) -> Result<HttpResponse, ApiError> {
        let address = req.head().peer_addr.map(|address| address.ip());
        facade.throttle.admit_request(address)?;
        let arguments = match self.wanted {
            Wanted::List => "",
            Wanted::Count => "count",
        };
        let scope = caller::scope::<ToRead>(req, facade, &self.account, arguments).await?;
        match self.wanted {
            // Apart, so that a count takes no room for what a list may have to wait for.
            Wanted::List => Box::pin(listing::answer(req, facade, Some(&scope))).await,
            Wanted::Count => registrations::count_of(req, facade, &scope).await,
        }
    }
}

/// Whether the caller has no word on answers that are not compressed (RFC 9110, 12.5.3), which it may
/// refuse.
fn may_be_plain(encodings: &HeaderValue) -> bool {
    let refusing = |text: &str| text.contains('*') || text.contains("identity");
    encodings.to_str().is_ok_and(|text| !refusing(text))
}

/// A request that has not come to the routes.
struct AtTheDoor {
    request: Request,
    id: RequestId,
}

impl Asked for AtTheDoor {
    fn head(&self) -> &RequestHead {
        self.request.head()
    }

    fn id(&self) -> RequestId {
        self.id
    }
}

/// Does what [`boundary::boundary`] does around the routes, and what the routes do.
async fn answer<B>(known: Rc<Known>, request: Request, question: Question) -> Answer<B> {
    let facade = &known.facade;
    let begun = Instant::now();
    let id = RequestId::given_by(&request.head().headers);
    let req = AtTheDoor { request, id };
    // Good answers leave nothing in the log, unless somebody looks closely.
    let is_watched = tracing::enabled!(Level::DEBUG);
    let span = is_watched.then(|| boundary::span(req.head(), id));
    let answering = AssertUnwindSafe(question.answer(&req, facade)).catch_unwind();
    let answered = match &span {
        Some(span) => answering.instrument(span.clone()).await,
        None => answering.await,
    };
    let span = match (span, &answered) {
        (Some(span), _) => span,
        (None, Ok(Ok(_))) => Span::none(),
        (None, _) => boundary::span(req.head(), id),
    };
    let _entered = span.enter();
    let mut response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => boundary::refusal(&req, facade, &error),
        Err(_) => return Err(boundary::panicked(id, &span)),
    };
    let size = response.body().size();
    boundary::finish(response.headers_mut(), size, id);
    allow_any_origin(response.headers_mut());
    let (method, took) = (&req.head().method, begun.elapsed());
    let status = response.status();
    match (status, question.wanted) {
        (StatusCode::OK, Wanted::List) => known.lists.add(took),
        (StatusCode::OK, Wanted::Count) => known.counts.add(took),
        (_, Wanted::List) => facade.metrics.answered((method, LIST), status, took),
        (_, Wanted::Count) => facade.metrics.answered((method, COUNT), status, took),
    }
    boundary::log(method, status, took);
    let response: Response<BoxBody> = response.into();
    Ok(response.map_body(|_, body| EitherBody::right(body)))
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
