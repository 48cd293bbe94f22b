//! A secret put together from its shares, in the field of 256 elements.
//!
//! Source: sops v3.13 `shamir/shamir.go`.

use crate::Secret;

/// Combines shares; each ends in its own coordinate.
///
/// # Errors
/// What is wrong with the shares.
pub(crate) fn combine(shares: &[Secret]) -> Result<Secret, &'static str> {
    let [first, _, ..] = shares else {
        return Err("less than two parts cannot be used to reconstruct the secret");
    };
    let length = first.len();
    if length < 2 {
        return Err("parts must be at least two bytes");
    }
    if shares.iter().any(|share| share.len() != length) {
        return Err("all parts must be the same length");
    }
    let places: Vec<u8> = shares.iter().map(|share| share[length - 1]).collect();
    if places
        .iter()
        .enumerate()
        .any(|(at, place)| places[..at].contains(place))
    {
        return Err("duplicate part detected");
    }
    let mut secret = Secret::new(vec![0; length - 1]);
    for (share, weight) in shares.iter().zip(weights(&places)) {
        for (byte, part) in secret.iter_mut().zip(share.iter()) {
            *byte ^= multiply(*part, weight);
        }
    }
    Ok(secret)
}

/// What each share contributes at zero, where the secret is: Lagrange's basis.
fn weights(places: &[u8]) -> Vec<u8> {
    let weight = |own: usize| {
        let others = places.iter().enumerate().filter(|(at, _)| *at != own);
        others.fold(1, |basis, (_, place)| {
            multiply(basis, multiply(*place, inverse(places[own] ^ place)))
        })
    };
    (0..places.len()).map(weight).collect()
}

/// Product modulo x⁸ + x⁴ + x³ + x + 1, in a time that does not depend on the factors.
fn multiply(a: u8, b: u8) -> u8 {
    (0..8).rev().fold(0, |product: u8, bit| {
        let reduce = (product >> 7).wrapping_neg() & 0x1B;
        let add = (b >> bit & 1).wrapping_neg() & a;
        (product << 1) ^ reduce ^ add
    })
}

/// The 254th power, which is the inverse.
fn inverse(a: u8) -> u8 {
    let mut power = a;
    for _ in 0..6 {
        power = multiply(multiply(power, power), a);
    }
    multiply(power, power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares_of(secret: &[u8], slope: u8, places: &[u8]) -> Vec<Secret> {
        let share = |place: &u8| {
            let mut bytes: Vec<u8> = secret
                .iter()
                .map(|byte| byte ^ multiply(slope, *place))
                .collect();
            bytes.push(*place);
            Secret::new(bytes)
        };
        places.iter().map(share).collect()
    }

    #[test]
    fn any_two_points_of_a_line_give_where_it_starts() {
        let shares = shares_of(b"secret", 0x53, &[1, 2, 3]);
        for pair in [[0, 1], [1, 2], [2, 0]] {
            let chosen: Vec<Secret> = pair.iter().map(|at| shares[*at].clone()).collect();
            assert_eq!(
                combine(&chosen).as_deref().map(Vec::as_slice),
                Ok(&b"secret"[..])
            );
        }
        assert_eq!(
            combine(&shares).as_deref().map(Vec::as_slice),
            Ok(&b"secret"[..])
        );
    }

    #[test]
    fn shares_that_do_not_fit_are_refused() {
        let one = shares_of(b"ab", 1, &[1]);
        assert!(combine(&one).is_err());
        assert_eq!(
            combine(&[one[0].clone(), one[0].clone()]),
            Err("duplicate part detected")
        );
        let longer = shares_of(b"abc", 1, &[2]).remove(0);
        assert_eq!(
            combine(&[one[0].clone(), longer]),
            Err("all parts must be the same length")
        );
    }

    #[test]
    fn every_element_but_zero_has_an_inverse() {
        assert!((1..=255).all(|element| multiply(element, inverse(element)) == 1));
    }
}
