//! Work on all cores whose results are taken in order, so that the number of threads never shows.

use std::{
    collections::BTreeMap,
    panic::resume_unwind,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Results that wait for those before them, and who takes them.
struct InOrder<T, F> {
    next: usize,
    waiting: BTreeMap<usize, T>,
    take: F,
}

impl<T, F: FnMut(T)> InOrder<T, F> {
    fn put(&mut self, number: usize, result: T) {
        self.waiting.insert(number, result);
        while let Some(result) = self.waiting.remove(&self.next) {
            (self.take)(result);
            self.next += 1;
        }
    }
}

/// Does the pieces of work `0..count` on as many threads as there are cores, each with a worker of its own. `take` gets
/// the results in the order of the pieces, as soon as may be. Gives the workers back, in no order.
pub(crate) fn in_order<W: Send, T: Send>(
    count: usize,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, usize) -> T + Sync,
    take: impl FnMut(T) + Send,
) -> Vec<W> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(count);
    let next = AtomicUsize::new(0);
    let results = Mutex::new(InOrder {
        next: 0,
        waiting: BTreeMap::new(),
        take,
    });
    let run = || {
        let mut worker = worker();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return worker;
            }
            let result = work(&mut worker, number);
            // A panic of another thread is told when it is joined.
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.put(number, result);
        }
    };
    on_threads(threads, run)
}

/// Does the same on several threads, this one among them; gives what each of them says, in no order.
pub(crate) fn on_threads<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(&work)).collect();
        let mut said = vec![work()];
        said.extend(
            others
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))),
        );
        said
    })
}

/// Does two things at the same time.
pub(crate) fn both<A, B: Send>(a: impl FnOnce() -> A, b: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let b = scope.spawn(b);
        let a = a();
        (a, b.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_workers_did_everything_once() {
        for count in [0, 1, 2, 1000] {
            let mut taken = Vec::new();
            let work = |done: &mut usize, number: usize| {
                *done += 1;
                number
            };
            let workers = in_order(count, || 0, work, |number| taken.push(number));
            assert!(taken.into_iter().eq(0..count));
            assert_eq!(workers.into_iter().sum::<usize>(), count);
        }
    }
}
