//! Log stores as they answer and fail, over real sockets.

mod answers;
mod failures;
mod pages;
mod server;
mod spools;
