//! New DSA keys of 2048 bits with a subgroup of 256.
//!
//! Source: Go 1.26 `crypto/dsa/dsa.go`

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, NonZero, Odd, Resize};
use crypto_primes::{Flavor, is_prime, random_prime};
use go_template::{Budget, Failure};

use super::Chance;
use crate::Random;
use crate::functions::crypto::der;

const BITS: u32 = 2048;
const SUBGROUP: u32 = 256;

/// The key with its parameters, encoded as upstream does.
pub(super) fn generate(random: &Random, budget: &Budget<'_>) -> Result<Vec<u8>, Failure> {
    budget.steps(4_000_000)?;
    let mut chance = Chance(random);
    let failed = || Failure::new("failed to generate dsa params: no parameters found");
    let q: BoxedUint = random_prime(&mut chance, Flavor::Any, SUBGROUP);
    let q = q.resize(BITS);
    let double = NonZero::new(q.shl_vartime(1).ok_or_else(failed)?);
    let double = double.into_option().ok_or_else(failed)?;
    let one = BoxedUint::one_with_precision(BITS);
    let p = loop {
        budget.steps(1024)?;
        let mut bytes = [0; BITS as usize / 8];
        random(&mut bytes);
        bytes[0] |= 0x80;
        let x = BoxedUint::from_be_slice(&bytes, BITS).map_err(|_| failed())?;
        let rest = x.rem_vartime(&double);
        let p = x.wrapping_sub(&rest).wrapping_add(&one);
        if p.bits_vartime() == BITS && is_prime(Flavor::Any, &p) {
            break p;
        }
    };
    let odd = Odd::new(p.clone()).into_option().ok_or_else(failed)?;
    let params = BoxedMontyParams::new_vartime(odd);
    let divisor = NonZero::new(q.clone()).into_option().ok_or_else(failed)?;
    let (exponent, _) = p.wrapping_sub(&one).div_rem_vartime(&divisor);
    let power = |base: &BoxedUint, exponent: &BoxedUint| {
        BoxedMontyForm::new(base.clone(), &params)
            .pow(exponent)
            .retrieve()
    };
    let mut base = one.wrapping_add(&one);
    let g = loop {
        let g = power(&base, &exponent);
        if g != one {
            break g;
        }
        base = base.wrapping_add(&one);
    };
    let x = loop {
        let mut bytes = [0; SUBGROUP as usize / 8];
        random(&mut bytes);
        let x = BoxedUint::from_be_slice(&bytes, SUBGROUP).map_err(|_| failed())?;
        let x = x.resize(BITS);
        if x < q && x.bits_vartime() > 0 {
            break x;
        }
    };
    let y = power(&g, &x);
    let numbers = [&p, &q, &g, &y, &x].map(|it| der::integer(&it.to_be_bytes()));
    let mut parts = vec![der::integer(&[])];
    parts.extend(numbers);
    let parts: Vec<&[u8]> = parts.iter().map(|it| &**it).collect();
    Ok(der::sequence(&parts))
}
