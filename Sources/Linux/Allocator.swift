import CLinux

/// The C library's memory. By itself it gives large blocks back to the kernel at once, and the next one of
/// the same size costs a page fault for every 4 KiB: more than all the copying of what is put into it.
package enum Allocator {
    /// Keeps so much free memory at most at the end of the heap, and takes blocks of up to that much from it.
    package static func keep(_ bytes: Int) {
        _ = mallopt(M_MMAP_THRESHOLD, CInt(bytes))
        _ = mallopt(M_TRIM_THRESHOLD, CInt(bytes))
    }

    /// Gives back what is free.
    package static func giveBack() { _ = malloc_trim(0) }
}
