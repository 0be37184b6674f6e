//! What a caller reads of each way to fail.

use std::time::Duration;

use super::*;

fn error(class: Class, reason: &'static str) -> Error {
    Error { class, reason, message: "what to do".into(), violations: Vec::new(), retry_after: None, source: None }
}

#[test]
fn every_class_has_its_code_and_reason() {
    for (class, code) in [
        (Class::Invalid, Code::InvalidArgument),
        (Class::Unauthenticated, Code::Unauthenticated),
        (Class::Denied, Code::PermissionDenied),
        (Class::NotFound, Code::NotFound),
        (Class::Conflict, Code::AlreadyExists),
        (Class::TooLarge, Code::OutOfRange),
        (Class::Busy, Code::ResourceExhausted),
        (Class::Unavailable, Code::Unavailable),
        (Class::Corrupt, Code::DataLoss),
    ] {
        let status = of(error(class, "a-reason"));
        assert_eq!((status.code(), status.message()), (code, "what to do"), "{class:?}");
        let info = status.get_error_details().error_info().cloned().expect("every status says its reason");
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("a-reason", DOMAIN), "{class:?}");
    }
}

#[test]
fn an_internal_error_says_nothing_of_itself() {
    let status = of(error(Class::Internal, "secret-reason"));
    assert_eq!((status.code(), status.message()), (Code::Internal, INTERNAL));
    assert_eq!(status.get_error_details().error_info().expect("a reason").reason, "internal");
}

#[test]
fn violations_and_delays_are_details() {
    let violation =
        |n: usize| Violation { pointer: format!("/legs/{n}/from"), rule: "required".into(), reason: "missing" };
    let mut failed = error(Class::Invalid, "schema-violation");
    failed.violations = vec![violation(0)];
    failed.retry_after = Some(Duration::from_millis(50));
    let details = of(failed).get_error_details();
    let found = &details.bad_request().expect("violations").field_violations[0];
    assert_eq!((found.field.as_str(), found.description.as_str()), ("/legs/0/from", "required"));
    assert_eq!(found.reason, "missing");
    assert_eq!(details.retry_info().expect("a delay").retry_delay, Some(Duration::from_millis(50)));

    let mut many = error(Class::Invalid, "schema-violation");
    many.violations = (0..10_000).map(violation).collect();
    let sent = of(many);
    assert!(sent.details().len() < 8 * 1024, "{} bytes of details fit no header", sent.details().len());
    assert!(sent.get_error_details().bad_request().expect("some violations").field_violations.len() > 50);
}

#[test]
fn a_stream_goes_on_after_what_is_wrong_with_one_submission_only() {
    for class in [Class::Invalid, Class::Denied, Class::NotFound, Class::Conflict, Class::TooLarge, Class::Busy] {
        assert_eq!(verdict(error(class, "a-reason")).expect("a verdict").reason, "a-reason");
    }
    for class in [Class::Unauthenticated, Class::Unavailable, Class::Corrupt, Class::Internal] {
        verdict(error(class, "a-reason")).expect_err("the stream ends");
    }
}

#[test]
fn a_codecs_own_status_gets_a_reason_and_ours_stays() {
    let headers = |code: &'static str, details: Option<&'static str>| {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", http::HeaderValue::from_static(code));
        if let Some(details) = details {
            headers.insert("grpc-status-details-bin", http::HeaderValue::from_static(details));
        }
        headers
    };
    assert_eq!(of_codec(&headers("11", None)), Some(Fault::MessageTooLong));
    assert_eq!(of_codec(&headers("13", None)), Some(Fault::NotARequest));
    assert_eq!(of_codec(&headers("13", Some("CAM"))), None);
    assert_eq!(of_codec(&headers("0", None)), None);
    assert_eq!(of_codec(&HeaderMap::new()), None);
}

#[test]
fn a_missing_role_is_named() {
    let status = Status::from(Fault::RoleMissing(&[Role::Auditor]));
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "role-missing"));
    assert!(status.message().contains("`auditor`"), "{}", status.message());
}

#[test]
fn a_fault_names_its_place() {
    let status = Status::from(Fault::MetadataMissing("causeway-purpose"));
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("causeway-purpose"), "{}", status.message());
    let details = status.get_error_details();
    assert_eq!(details.bad_request().expect("a place").field_violations[0].field, "causeway-purpose");
}
