//! The real parts that rollcall lives among, to be started from a test or by hand: RabbitMQ,
//! Kamailio, a stand-in for Kazoo's directory, SIPp phones, and rollcall itself as a process.
//!
//! Never a dependency of the product. Everything started here ends when its handle is dropped.

pub mod amqp;
pub mod broker;
pub mod certificates;
pub mod directory;
pub mod http;
pub mod kamailio;
pub mod management;
pub mod phones;
pub mod ports;
pub mod process;
pub mod rollcall;
pub mod secrets;
pub mod stack;
pub mod subscribers;
pub mod tcp_phone;
pub mod wait;
