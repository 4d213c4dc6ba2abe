//! A recovery budget whose calls are recorded.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use evenkeel_core::Refusal;
use evenkeel_core::random::Rng;
use evenkeel_core::table::{DeniedBy, Recovery, RecoveryBudget};

use super::{Answer, Op};
use crate::machines::cleared::cleared;
use crate::recorder::Recorder;
use crate::table_key::TableKey;

impl<K: TableKey, S: BuildHasher + Default> Recorder<RecoveryBudget<K, S>> {
    /// [`RecoveryBudget::try_recover`]
    ///
    /// # Errors
    ///
    /// The key may not be recovered now.
    pub fn try_recover<Q, R>(
        &mut self,
        now_ns: u64,
        key: &Q,
        rng: &mut R,
    ) -> Result<Recovery, Refusal<DeniedBy>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        R: Rng + ?Sized,
    {
        let op = Op::TryRecover {
            key: key.to_owned(),
        };
        self.record_drawn(
            now_ns,
            op,
            rng,
            |budget, rng| budget.try_recover(now_ns, key, rng),
            Answer::asked,
        )
    }

    cleared! {
        RecoveryBudget::on_success: OnSuccess -> Cleared;
        RecoveryBudget::forget: Forget -> Cleared;
    }
}
