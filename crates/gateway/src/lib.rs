//! TLS, identity, limits, services and serving; and the client side that shares the connector
