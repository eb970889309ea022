use super::{DeviceId, InviteId, MemberId};

/// what is put in the order of ids goes by their bytes.
#[test]
fn ids_are_ordered_as_their_bytes() {
    fn pairs<const N: usize>() -> impl Iterator<Item = ([u8; N], [u8; N])> {
        (0..N).map(|at| {
            let (mut low, mut high) = ([7; N], [7; N]);
            low[at + 1..].fill(255);
            high[at] = 200;
            (low, high)
        })
    }
    for (low, high) in pairs() {
        assert!(InviteId(low) < InviteId(high) && InviteId(high) > InviteId(low));
    }
    for (low, high) in pairs() {
        assert!(DeviceId(low) < DeviceId(high) && DeviceId(high) > DeviceId(low));
    }
    for (low, high) in pairs() {
        assert!(MemberId(low) < MemberId(high) && MemberId(high) > MemberId(low));
    }
}
