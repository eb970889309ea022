//! Six words that two people compare, to be sure that they mean the same key.

/// 256 short, common words; none of them is about drink, drugs, weapons or bodies.
const WORDS: &str = "acorn apple april apron arrow aspen autumn bakery balcony bamboo banjo barley basil \
basket beach beacon bean bear beaver bell bench berry bicycle birch bird blanket blossom blue boat book \
border bottle bowl branch bread breeze bridge broom brown bucket butter button cabin cactus camera candle \
canyon cardinal carpet carrot castle cedar cello cherry chestnut circle city clay cliff clock cloud clover \
coast cobalt coconut comet compass copper coral corner cotton cousin cradle crane cricket crystal cup \
curtain daisy dawn deer desert diamond dolphin donkey door dove dragon drawer drum duck eagle east echo \
elbow elm ember engine evening falcon farm feather fern ferry fiddle field finch flame flannel flower \
flute forest fountain fox friday galaxy garden garlic gate ginger giraffe glacier glass glove goose grain \
granite grape green guitar hammer harbor harp harvest hazel hedge heron hill honey horse house iceberg \
indigo iris island ivory ivy jacket jasmine juniper kettle keyboard kite kitten ladder lagoon lake lamp \
lantern lark lavender leaf lemon library lily linen lion lizard llama lobster lotus lunch magnet mango \
maple marble march meadow melon middle mint mirror monday moon morning mosaic moss mountain museum \
needle nest north notebook nutmeg oak oasis ocean olive onion orange orchard otter oven owl oyster paddle \
palace panda paper parrot pasta peach pear pebble pencil penguin pepper piano pigeon pillow pine planet \
plum pocket poem polar pond poplar \
potato puzzle quail quartz quilt rabbit radio rain river robin rose saddle sail salmon sand silk silver \
sparrow spoon spring stone summer swan table tiger tulip valley violet";

/// Six words of a hash: 48 bits.
#[must_use]
pub(crate) fn six_words(hash: &[u8; 32]) -> Vec<String> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    hash.iter().take(6).map(|byte| words[usize::from(*byte) % words.len()].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_256_different_words() {
        let words: std::collections::BTreeSet<&str> = WORDS.split_whitespace().collect();
        assert_eq!(words.len(), 256);
        assert_eq!(WORDS.split_whitespace().count(), 256);
    }
}
