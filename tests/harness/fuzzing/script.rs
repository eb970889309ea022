//! Bytes as decisions.

/// Bytes that are taken from the front; at the end there are only zeros.
#[derive(Debug)]
pub(super) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// One of some things, if there are any.
    pub(super) fn one_of<T: Clone>(&mut self, things: &[T]) -> Option<T> {
        let at = usize::from(self.byte());
        things.get(at % things.len().max(1)).cloned()
    }

    /// A number near an end of its range, or small.
    pub(super) fn number(&mut self) -> u64 {
        let by = u64::from(self.byte());
        match self.byte() % 6 {
            0 => u64::MAX - by,
            1 => u64::MAX / 2 - by,
            2 => u64::MAX / 2 + by,
            3 => u64::from(u32::MAX) + by,
            4 => (1 << (by % 64)) - 1,
            _ => by,
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// Some of the bytes that follow, by a length of two bytes.
    pub(super) fn chunk(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()) | usize::from(self.byte()) << 8;
        let (chunk, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        chunk
    }
}
