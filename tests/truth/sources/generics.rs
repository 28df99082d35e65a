// Generics and an iterator that is inlined: main, outer::<Deep>, Deep::work, burn.
use std::hint::black_box;

trait Work {
    fn work(&self, n: u64) -> u64;
}
struct Deep;

#[inline(never)]
fn burn(n: u64) -> u64 {
    let mut cell = n;
    for i in 0..3_000_000u64 {
        cell = black_box(cell).wrapping_mul(31).wrapping_add(i);
    }
    cell
}

impl Work for Deep {
    #[inline(never)]
    fn work(&self, n: u64) -> u64 {
        (0..4u64).map(|i| burn(n + i)).fold(0, |sum, one| sum ^ one)
    }
}

#[inline(never)]
fn outer<T: Work>(what: &T, n: u64) -> u64 {
    what.work(n).wrapping_add(1)
}

fn main() {
    println!("{{\"entry\":0}}");
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_secs(150));
        std::process::exit(1);
    });
    let mut sum = 0u64;
    loop {
        sum = black_box(outer(&Deep, sum));
    }
}
