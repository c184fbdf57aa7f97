//! The network: one layer of 16 long short-term memory cells and a linear output, forwards and backwards.
//!
//! i, f, o = logistic(W z), g = tanh(W z), z = (inputs, hidden before, 1); cell' = f cell + i g; hidden' =
//! o tanh(cell') (Hochreiter and Schmidhuber 1997, with the forget gate of Gers, Schmidhuber, Cummins 2000).

use serin_random::Random;

/// Cells.
pub(super) const CELLS: usize = 16;
/// Numbers that go in at each step.
pub(super) const INPUTS: usize = 3;
/// Weights of one gate of one cell.
const COLUMNS: usize = INPUTS + CELLS + 1;
/// Weights of one cell: input, forget, candidate and output gate.
const PER_CELL: usize = 4 * COLUMNS;
/// Weights of all gates.
const GATES: usize = CELLS * PER_CELL;
/// All weights, those of the output last.
pub(super) const WEIGHTS: usize = GATES + CELLS + 1;

/// What the network remembers from step to step.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    hidden: Vec<f64>,
    cell: Vec<f64>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { hidden: vec![0.0; CELLS], cell: vec![0.0; CELLS] }
    }
}

/// What one step did, which the way back needs.
#[derive(Clone, Debug)]
pub(super) struct Step {
    entry: Vec<f64>,
    cells: Vec<Cell>,
    /// What the network says.
    pub(super) output: f64,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    input: f64,
    forget: f64,
    candidate: f64,
    output: f64,
    before: f64,
    squashed: f64,
}

/// Weights.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) weights: Vec<f64>,
}

fn logistic(value: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-value))
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

impl Network {
    /// Weights uniform within ±1/√(inputs and cells), forget gates open, and an output of 0.
    pub(super) fn new(random: &mut Random) -> Self {
        const OPEN: f64 = 1.0;
        let reach = 1.0 / ((INPUTS + CELLS) as f64).sqrt();
        let mut weights = vec![0.0; WEIGHTS];
        for (at, weight) in weights.iter_mut().take(GATES).enumerate() {
            let is_bias = at % COLUMNS == COLUMNS - 1;
            let is_forget = (at / COLUMNS) % 4 == 1;
            *weight = match (is_bias, is_forget) {
                (true, true) => OPEN,
                (true, false) => 0.0,
                (false, _) => reach * (2.0 * random.unit() - 1.0),
            };
        }
        Self { weights }
    }

    /// One step on: what it did and what is remembered then.
    pub(super) fn step(&self, inputs: [f64; INPUTS], memory: &Memory) -> (Step, Memory) {
        let mut entry = Vec::with_capacity(COLUMNS);
        entry.extend_from_slice(&inputs);
        entry.extend_from_slice(&memory.hidden);
        entry.push(1.0);
        let mut cells = Vec::with_capacity(CELLS);
        let mut after = Memory { hidden: Vec::with_capacity(CELLS + 1), cell: Vec::with_capacity(CELLS) };
        for (weights, &before) in self.weights.chunks_exact(PER_CELL).zip(&memory.cell) {
            let mut gates = weights.chunks_exact(COLUMNS).map(|gate| dot(gate, &entry));
            let mut next = || gates.next().unwrap_or(0.0);
            let (input, forget) = (logistic(next()), logistic(next()));
            let (candidate, output) = (libm::tanh(next()), logistic(next()));
            let cell = forget * before + input * candidate;
            let squashed = libm::tanh(cell);
            cells.push(Cell { input, forget, candidate, output, before, squashed });
            after.cell.push(cell);
            after.hidden.push(output * squashed);
        }
        after.hidden.push(1.0);
        let output = dot(self.output_weights(), &after.hidden);
        after.hidden.pop();
        (Step { entry, cells, output }, after)
    }

    fn output_weights(&self) -> &[f64] {
        self.weights.get(GATES..).unwrap_or(&[])
    }

    /// Half the mean squared error over a stretch of steps, and its gradient.
    pub(super) fn loss(&self, stretch: &[([f64; INPUTS], f64)]) -> (f64, Vec<f64>) {
        let mut memory = Memory::default();
        let mut steps = Vec::with_capacity(stretch.len());
        let count = stretch.len().max(1) as f64;
        let mut loss = 0.0;
        for (inputs, target) in stretch {
            let (step, after) = self.step(*inputs, &memory);
            let error = step.output - target;
            loss += 0.5 * error * error / count;
            steps.push((step, after.hidden.clone(), error / count));
            memory = after;
        }
        (loss, self.gradient(&steps))
    }

    /// Back through time: what each weight did to the loss.
    fn gradient(&self, steps: &[(Step, Vec<f64>, f64)]) -> Vec<f64> {
        let mut gradient = vec![0.0; WEIGHTS];
        let mut hidden_later = vec![0.0; CELLS];
        let mut cell_later = [0.0; CELLS];
        for (step, hidden, error) in steps.iter().rev() {
            let with_bias = hidden.iter().chain(std::iter::once(&1.0));
            gradient.iter_mut().skip(GATES).zip(with_bias).for_each(|(sum, value)| *sum += error * value);
            let from_output = self.output_weights().iter().map(|weight| error * weight);
            hidden_later.iter_mut().zip(from_output).for_each(|(sum, value)| *sum += value);

            let mut entry_share = [0.0; COLUMNS];
            let weights = self.weights.chunks_exact(PER_CELL).zip(gradient.chunks_exact_mut(PER_CELL));
            let later = hidden_later.iter().zip(cell_later.iter_mut());
            for ((cell, (weights, gradient)), (hidden, cell_later)) in
                step.cells.iter().zip(weights).zip(later)
            {
                let shares = cell.shares(*hidden, cell_later);
                let gates = weights.chunks_exact(COLUMNS).zip(gradient.chunks_exact_mut(COLUMNS));
                for (share, (weights, gradient)) in shares.iter().zip(gates) {
                    let columns = weights.iter().zip(gradient).zip(step.entry.iter().zip(&mut entry_share));
                    for ((weight, sum), (entry, back)) in columns {
                        *sum += share * entry;
                        *back += share * weight;
                    }
                }
            }
            hidden_later = entry_share.into_iter().skip(INPUTS).take(CELLS).collect();
        }
        gradient
    }
}

impl Cell {
    /// What the sums into the four gates did to the loss, given what the hidden value did; `cell_later` is what the
    /// cell's value did by way of later steps, and becomes that of the value before.
    fn shares(&self, hidden: f64, cell_later: &mut f64) -> [f64; 4] {
        let Self { input, forget, candidate, output, before, squashed } = *self;
        let cell = *cell_later + hidden * output * (1.0 - squashed * squashed);
        *cell_later = cell * forget;
        [
            cell * candidate * input * (1.0 - input),
            cell * before * forget * (1.0 - forget),
            cell * input * (1.0 - candidate * candidate),
            hidden * squashed * output * (1.0 - output),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        const NUDGE: f64 = 1e-5;
        let mut random = Random::seeded(11);
        let mut network = Network::new(&mut random);
        network.weights.iter_mut().for_each(|weight| *weight += 0.3 * random.normal());
        let stretch: Vec<_> =
            (0..7).map(|_| ([random.normal(), random.normal(), random.normal()], random.normal())).collect();
        let (_, gradient) = network.loss(&stretch);
        assert_eq!(gradient.len(), WEIGHTS);
        assert!(gradient.iter().filter(|part| part.abs() > 1e-6).count() > WEIGHTS / 2);
        for (at, part) in gradient.iter().enumerate() {
            let nudged = |by: f64| {
                let mut nudged = network.clone();
                nudged.weights[at] += by;
                nudged.loss(&stretch).0
            };
            let slope = (nudged(NUDGE) - nudged(-NUDGE)) / (2.0 * NUDGE);
            assert!(
                (slope - part).abs() < 1e-8 + 1e-5 * slope.abs(),
                "weight {at}: {part} instead of {slope}"
            );
        }
    }

    #[test]
    fn a_fresh_network_says_nothing() {
        let network = Network::new(&mut Random::seeded(5));
        let (step, _) = network.step([3.0, -2.0, 1.0], &Memory::default());
        assert!(step.output.abs() < f64::MIN_POSITIVE);
    }
}
