// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses of the engine to memory, as the compiler tells them: it is asked to
 * instrument for ThreadSanitizer, whose library is not there.
 */
#define ACCESS(name, size, write)						\
	__attribute__((__used__)) void __tsan_##name(void *addr);	\
	void __tsan_##name(void *addr)					\
	{								\
		kapi_access(addr, size, write);				\
	}

#define RANGE(name, write)						\
	__attribute__((__used__))					\
	void __tsan_##name(void *addr, unsigned long size);		\
	void __tsan_##name(void *addr, unsigned long size)		\
	{								\
		kapi_access(addr, size, write);				\
	}

ACCESS(read1, 1, false)
ACCESS(read2, 2, false)
ACCESS(read4, 4, false)
ACCESS(read8, 8, false)
ACCESS(read16, 16, false)
ACCESS(write1, 1, true)
ACCESS(write2, 2, true)
ACCESS(write4, 4, true)
ACCESS(write8, 8, true)
ACCESS(write16, 16, true)
ACCESS(unaligned_read2, 2, false)
ACCESS(unaligned_read4, 4, false)
ACCESS(unaligned_read8, 8, false)
ACCESS(unaligned_read16, 16, false)
ACCESS(unaligned_write2, 2, true)
ACCESS(unaligned_write4, 4, true)
ACCESS(unaligned_write8, 8, true)
ACCESS(unaligned_write16, 16, true)
RANGE(read_range, false)
RANGE(write_range, true)

/* Each object has a constructor that calls it. */
static void nothing(void)
{
}

__attribute__((__alias__("nothing"))) void __tsan_init(void);
