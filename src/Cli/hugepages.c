// .NET unpacks its tables of types into zeroed memory before any of the program runs: 5.5 MB, a page fault for each 4 KiB. That is most of the time that kimg
// takes to start, and where faults are slow (virtual machines without nested paging) more than all of the rest. With huge pages it is three faults; where the
// kernel has none it gives small ones. See madvise(2), MADV_HUGEPAGE.
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>

#define HUGE_PAGE 0x200000
#define TEXT(number) #number
#define NUMBER(name) TEXT(name)

// Of the compiler's section of those tables: it begins at a huge page, and the last one is filled up.
__asm__(".pushsection .hydrated,\"aw\",%nobits\n.balign " NUMBER(HUGE_PAGE) "\n.globl kimg_behind_tables\nkimg_behind_tables: .zero 1\n.popsection");
extern char kimg_behind_tables[];
// Where the data ends that the file has: the linker's.
extern char _edata[];

__attribute__((constructor(101))) static void advise_huge_pages(void)
{
    uintptr_t first = ((uintptr_t)_edata + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1), end = (uintptr_t)kimg_behind_tables;
    if (first < end) (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
}
