//! Latencies as services have them, for the tests and benches that measure what the engine costs.

/// xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// Uniform in (0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Log-normal around 50 ms with a Pareto tail, in µs.
    pub(crate) fn latency_us(&mut self) -> u64 {
        let is_in_tail = self.unit() < 0.03;
        let ms = if is_in_tail {
            150.0 * self.unit().powf(-1.0 / 1.8)
        } else {
            50.0 * (0.6 * self.normal()).exp()
        };
        (ms * 1000.0) as u64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (2.0 * std::f64::consts::PI * self.unit()).cos()
    }
}
