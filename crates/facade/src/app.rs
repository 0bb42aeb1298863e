//! The application, for the server and for tests.

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::{Compress, from_fn},
    web::{Data, PayloadConfig},
};
use tracing_actix_web::TracingLogger;

use crate::{
    cors,
    middleware::{RequestSpan, boundary},
    openapi, page, paths, routes,
    state::Facade,
};

/// Everything that answers a request: middleware, routes, the page and the description.
pub fn create_app(
    facade: Data<Facade>,
    max_body_bytes: usize,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(facade)
        .app_data(PayloadConfig::new(max_body_bytes))
        // The boundary makes new answers of errors, so that the others come after it.
        .wrap(from_fn(boundary))
        .wrap(cors::headers())
        .wrap(Compress::default())
        .wrap(TracingLogger::<RequestSpan>::new())
        .configure(routes::configure)
        .configure(page::configure)
        .configure(openapi::configure)
        .configure(paths::unknown_paths)
}
