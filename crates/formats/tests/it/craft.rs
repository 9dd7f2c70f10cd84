//! qcow2 files by hand: what no tool writes.

/// A version 3 file with one L1 entry of each L2 table given, and then `data`.
pub struct Craft {
    pub cluster_bits: u32,
    pub size: u64,
    pub version: u32,
    pub incompatible: u64,
    pub compression: u8,
    /// L2 tables, each as `(place, entry)`.
    pub tables: Vec<Vec<(usize, u64)>>,
    /// Clusters after the tables.
    pub data: Vec<u8>,
}

impl Craft {
    pub fn new(cluster_bits: u32, size: u64) -> Self {
        Self {
            cluster_bits,
            size,
            version: 3,
            incompatible: 0,
            compression: 0,
            tables: vec![Vec::new()],
            data: Vec::new(),
        }
    }

    pub const fn cluster(&self) -> u64 {
        1 << self.cluster_bits
    }

    /// Where L1 begins.
    pub const fn l1_at(&self) -> u64 {
        self.cluster()
    }

    /// Where L2 table `index` begins.
    pub const fn l2_at(&self, index: u64) -> u64 {
        (2 + index) * self.cluster()
    }

    /// Where the data begins.
    pub const fn data_at(&self) -> u64 {
        self.l2_at(self.tables.len() as u64)
    }

    pub fn bytes(&self) -> Vec<u8> {
        let cluster = self.cluster() as usize;
        let mut out = vec![0; self.data_at() as usize];
        let mut put = |at: usize, bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
        };
        let entries = (cluster as u64 / 8).min(self.tables.len() as u64);
        put(0, b"QFI\xfb");
        put(4, &self.version.to_be_bytes());
        put(20, &self.cluster_bits.to_be_bytes());
        put(24, &self.size.to_be_bytes());
        put(36, &(entries as u32).to_be_bytes());
        put(40, &self.l1_at().to_be_bytes());
        if self.version == 3 {
            put(72, &self.incompatible.to_be_bytes());
            put(96, &4_u32.to_be_bytes());
            put(100, &112_u32.to_be_bytes());
            put(104, &[self.compression]);
        }
        for (index, table) in self.tables.iter().enumerate() {
            let at = self.l2_at(index as u64);
            put(cluster + 8 * index, &(at | 1 << 63).to_be_bytes());
            for (place, entry) in table {
                put(at as usize + 8 * place, &entry.to_be_bytes());
            }
        }
        out.extend(&self.data);
        out
    }
}
