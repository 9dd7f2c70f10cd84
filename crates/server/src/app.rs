//! The router: the table of operations, as axum routes.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::Method,
    routing::{MethodFilter, on},
};
use base::ZoneName;
use control::Control;

use crate::{
    ServerConfig,
    answer::{Asked, answer},
    metrics::Metrics,
    operations::OPERATIONS,
    operator::board::FaultBoard,
    rates::Rates,
};

/// What every request shares.
pub(crate) struct App {
    pub(crate) control: Arc<Control>,
    pub(crate) config: ServerConfig,
    pub(crate) metrics: Metrics,
    pub(crate) faults: FaultBoard,
    pub(crate) rates: Rates,
    pub(crate) zones: Vec<ZoneName>,
}

/// The region's API as a service.
pub fn router(control: Arc<Control>, config: ServerConfig) -> Router {
    let zones = config.region.zones();
    let (metrics, faults) = (Metrics::new(), FaultBoard::default());
    let rates = Rates::new(config.requests_per_second);
    let app = Arc::new(App { control, config, metrics, faults, rates, zones });
    let mut router = Router::new();
    for operation in OPERATIONS {
        let handler = move |State(app): State<Arc<App>>, params: Params, request: Request| {
            // A path that is not UTF-8 names nothing.
            let asked = match params {
                Ok(params) => Asked::Operation(operation, pairs(&params)),
                Err(_) => Asked::Unknown,
            };
            answer(app, asked, request)
        };
        let methods = on(filter(&operation.method), handler);
        // IBM's core for Node takes a slash at the end away before it sends.
        if let Some(bare) = operation.path.strip_suffix('/') {
            router = router.route(bare, methods.clone());
        }
        router = router.route(operation.path, methods);
    }
    router.method_not_allowed_fallback(wrong_method).fallback(unknown).with_state(app)
}

type Params = Result<RawPathParams, RawPathParamsRejection>;

fn pairs(params: &RawPathParams) -> Vec<(String, String)> {
    params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn filter(method: &Method) -> MethodFilter {
    MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET)
}

async fn wrong_method(State(app): State<Arc<App>>, request: Request) -> axum::response::Response {
    answer(app, Asked::WrongMethod, request).await
}

async fn unknown(State(app): State<Arc<App>>, request: Request) -> axum::response::Response {
    answer(app, Asked::Unknown, request).await
}
