//! Calls of a recorded table that clear a key and return whether there was anything to clear.

/// Writes such methods, in an `impl` for tables with keys `K`, each with the call and the answer that are taken down.
macro_rules! cleared {
    ($($Table:ident::$method:ident: $Op:ident -> $Answer:ident;)*) => {$(
        #[doc = concat!("[`", stringify!($Table), "::", stringify!($method), "`]")]
        pub fn $method<Q>(&mut self, now_ns: u64, key: &Q) -> bool
        where
            K: Borrow<Q>,
            Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        {
            let op = Op::$Op {
                key: key.to_owned(),
            };
            self.record_plain(
                now_ns,
                op,
                |table| table.$method(now_ns, key),
                |there_was| Answer::$Answer(*there_was),
            )
        }
    )*};
}

pub(crate) use cleared;
