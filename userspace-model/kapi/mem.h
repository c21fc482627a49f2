/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory, random numbers and time.
 *
 * An allocation that may sleep fails the run where it may not.  One with
 * GFP_KERNEL fails it also in a worker of a WQ_MEM_RECLAIM queue outside of
 * memalloc_noio_save(): that is the path which reclaim may wait for.
 */
#ifndef KAPI_MEM_H
#define KAPI_MEM_H

#define __GFP_HIGH		0x20u
#define __GFP_IO		0x40u
#define __GFP_FS		0x80u
#define __GFP_ZERO		0x100u
#define __GFP_DIRECT_RECLAIM	0x400u
#define __GFP_KSWAPD_RECLAIM	0x800u
#define __GFP_NOWARN		0x2000u
#define __GFP_RETRY_MAYFAIL	0x4000u
#define __GFP_NOFAIL		0x8000u
#define __GFP_NORETRY		0x10000u
#define __GFP_RECLAIM		(__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_ATOMIC		(__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT		__GFP_KSWAPD_RECLAIM
#define GFP_NOIO		__GFP_RECLAIM
#define GFP_NOFS		(__GFP_RECLAIM | __GFP_IO)
#define GFP_KERNEL		(__GFP_RECLAIM | __GFP_IO | __GFP_FS)

/* Larger ones fail in the kernel, with a warning. */
#define KMALLOC_MAX_SIZE	(4UL << 20)

enum kapi_alloc_kind {
	KAPI_KMALLOC,		/* kfree() or kvfree() */
	KAPI_KVMALLOC,		/* kvfree() only */
};

void *kapi_alloc(size_t size, gfp_t gfp, enum kapi_alloc_kind kind,
		 const char *at) __attribute__((__malloc__));
void kfree(const void *ptr);
void kvfree(const void *ptr);

#define kmalloc(size, gfp)	kapi_alloc(size, gfp, KAPI_KMALLOC, __kapi_at)
#define kzalloc(size, gfp)	kmalloc(size, (gfp) | __GFP_ZERO)
#define kmalloc_array(n, size, gfp) kmalloc(size_mul(n, size), gfp)
#define kcalloc(n, size, gfp)	kzalloc(size_mul(n, size), gfp)
#define kvmalloc(size, gfp)	kapi_alloc(size, gfp, KAPI_KVMALLOC, __kapi_at)
#define kvzalloc(size, gfp)	kvmalloc(size, (gfp) | __GFP_ZERO)
#define kvmalloc_array(n, size, gfp) kvmalloc(size_mul(n, size), gfp)
#define kvcalloc(n, size, gfp)	kvzalloc(size_mul(n, size), gfp)

char *kapi_strdup(const char *s, gfp_t gfp, const char *at);
#define kstrdup(s, gfp)		kapi_strdup(s, gfp, __kapi_at)

unsigned int memalloc_noio_save(void);
void memalloc_noio_restore(unsigned int flags);
/* It waits for nothing either; that it may have the last memory is not modelled. */
#define memalloc_noreclaim_save()	memalloc_noio_save()
#define memalloc_noreclaim_restore(flags) memalloc_noio_restore(flags)

void get_random_bytes(void *buf, size_t len);

static inline u32 get_random_u32(void)
{
	u32 v;

	get_random_bytes(&v, sizeof(v));
	return v;
}

extern u64 kapi_now;

static inline u64 ktime_get_ns(void)
{
	kapi_touch(&kapi_now, KAPI_LOOKS);
	return kapi_now;
}

static inline ktime_t ktime_get(void)
{
	return ktime_get_ns();
}

#endif /* KAPI_MEM_H */
