//! What is known of a Lease, timed by our own clock: the clocks of others count for nothing.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use tokio::time::Instant;

use super::Election;

/// What to do about a lease.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Somebody else holds it.
    Wait,
    /// It is ours: renew it.
    Renew,
    /// Nobody holds it any more: take it.
    Take,
}

/// The lease as last seen to change, and when that was.
#[derive(Debug, Default)]
pub(super) struct Observed {
    last: Option<(LeaseSpec, Instant)>,
}

impl Observed {
    /// `lease` was read or written.
    pub(super) fn saw(&mut self, lease: &Lease, now: Instant) {
        let spec = lease.spec.clone().unwrap_or_default();
        if self.last.as_ref().is_none_or(|(known, _)| *known != spec) {
            self.last = Some((spec, now));
        }
    }

    /// What to do about the lease that was seen.
    pub(super) fn step(&self, spec: &LeaseSpec, election: &Election, now: Instant) -> Step {
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if holder == election.identity {
            return Step::Renew;
        }
        let seconds = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok());
        let duration = seconds.map_or(election.lease_duration, Duration::from_secs);
        let fresh = self
            .last
            .as_ref()
            .is_some_and(|(_, at)| now < *at + duration);
        if holder.is_empty() || !fresh {
            Step::Take
        } else {
            Step::Wait
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn election() -> Election {
        Election {
            namespace: "ns".into(),
            name: "l".into(),
            identity: "me".into(),
            lease_duration: Duration::from_secs(35),
            renew_deadline: Duration::from_secs(30),
            retry_period: Duration::from_secs(5),
            release_on_cancel: true,
        }
    }

    fn lease(holder: &str, transitions: i32) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(holder.into()),
            lease_duration_seconds: Some(35),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        };
        Lease {
            spec: Some(spec),
            ..Lease::default()
        }
    }

    fn step(observed: &Observed, lease: &Lease, now: Instant) -> Step {
        observed.step(lease.spec.as_ref().expect("set"), &election(), now)
    }

    #[test]
    fn another_holder_is_waited_for_from_when_its_last_renewal_was_seen() {
        let mut observed = Observed::default();
        let start = Instant::now();
        observed.saw(&lease("other", 0), start);
        assert_eq!(
            step(
                &observed,
                &lease("other", 0),
                start + Duration::from_secs(34)
            ),
            Step::Wait
        );
        assert_eq!(
            step(
                &observed,
                &lease("other", 0),
                start + Duration::from_secs(35)
            ),
            Step::Take
        );
        observed.saw(&lease("other", 1), start + Duration::from_secs(30));
        assert_eq!(
            step(
                &observed,
                &lease("other", 1),
                start + Duration::from_secs(64)
            ),
            Step::Wait
        );
    }

    #[test]
    fn a_released_lease_is_taken_at_once_and_our_own_is_renewed() {
        let mut observed = Observed::default();
        let start = Instant::now();
        observed.saw(&lease("", 0), start);
        assert_eq!(step(&observed, &lease("", 0), start), Step::Take);
        observed.saw(&lease("me", 0), start);
        assert_eq!(
            step(&observed, &lease("me", 0), start + Duration::from_secs(100)),
            Step::Renew
        );
    }
}
