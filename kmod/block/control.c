// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/shardblk-control for people: one command per line written; reading
 * prints the commands, then one line per device.
 *
 * A write consumes one line and says so, so that whoever wrote several goes on
 * with the next, and an error belongs to the line it is reported for.  Paths
 * with a comma in them can be given by ioctl only.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "block.h"

/* A path, and all the rest with room to spare. */
#define LINE_MAX	(PATH_MAX + 256)

static int set_backing(struct shardblk_options *options, const char *value)
{
	options->path = value;
	return *value ? 0 : -EINVAL;
}

static int set_id(struct shardblk_options *options, const char *value)
{
	unsigned int id;

	if (kstrtouint(value, 10, &id) || id >= SHARDBLK_DEVICES_MAX)
		return -EINVAL;
	options->id = id;
	return 0;
}

static int set_ro(struct shardblk_options *options, const char *value)
{
	return kstrtobool(value, &options->read_only);
}

static int set_retry_bad(struct shardblk_options *options, const char *value)
{
	return kstrtobool(value, &options->retry_bad);
}

static int parse_size(const char *value, u64 min, u64 max, u64 *size)
{
	char *end;
	u64 n = memparse(value, &end);

	if (end == value || *end || n < min || n > max)
		return -EINVAL;
	*size = n;
	return 0;
}

static int set_memtable(struct shardblk_options *options, const char *value)
{
	return parse_size(value, SHARDBLK_MEMTABLE_MIN, SHARDBLK_MEMTABLE_MAX,
			  &options->memtable);
}

static int set_cache(struct shardblk_options *options, const char *value)
{
	return parse_size(value, SHARDBLK_CACHE_MIN, SHARDBLK_CACHE_MAX,
			  &options->cache);
}

static int parse_number(const char *value, u32 max, u32 *number)
{
	u32 n;

	if (kstrtou32(value, 10, &n) || !n || n > max)
		return -EINVAL;
	*number = n;
	return 0;
}

static int set_low_watermark(struct shardblk_options *options,
			     const char *value)
{
	return parse_number(value, SHARDBLK_WATERMARK_MAX,
			    &options->low_watermark);
}

static int set_scrub_interval(struct shardblk_options *options,
			      const char *value)
{
	return parse_number(value, SHARDBLK_SCRUB_INTERVAL_MAX,
			    &options->scrub_interval);
}

static int set_idle(struct shardblk_options *options, const char *value)
{
	if (!strcmp(value, "never")) {
		options->idle_ms = SHARDBLK_IDLE_NEVER;
		return 0;
	}
	if (parse_number(value, SHARDBLK_IDLE_MS_MAX, &options->idle_ms) ||
	    options->idle_ms < SHARDBLK_IDLE_MS_MIN)
		return -EINVAL;
	return 0;
}

/**
 * struct control_option - NAME=VALUE
 * @verb:	of which command
 * @needed:	must be there
 * @name:	left of the sign
 * @value:	what stands right of it, for the help
 * @set:	take the value; 0 or an error
 */
struct control_option {
	enum shardblk_verb verb;
	bool needed;
	const char *name;
	const char *value;
	int (*set)(struct shardblk_options *options, const char *value);
};

/* At most 32. */
static const struct control_option control_options[] = {
	{ SHARDBLK_ADD, true, "backing", "PATH", set_backing },
	{ SHARDBLK_ADD, false, "id", "N", set_id },
	{ SHARDBLK_ADD, false, "ro", "1", set_ro },
	{ SHARDBLK_ADD, false, "retry_bad", "1", set_retry_bad },
	{ SHARDBLK_ADD, false, "memtable", "BYTES", set_memtable },
	{ SHARDBLK_ADD, false, "cache", "BYTES", set_cache },
	{ SHARDBLK_ADD, false, "low_watermark", "PERCENT", set_low_watermark },
	{ SHARDBLK_ADD, false, "scrub_interval", "HOURS", set_scrub_interval },
	{ SHARDBLK_ADD, false, "idle", "MS|never", set_idle },
	{ SHARDBLK_REMOVE, true, "id", "N", set_id },
};

static const char * const control_verbs[] = {
	[SHARDBLK_ADD]		= "add",
	[SHARDBLK_REMOVE]	= "remove",
};

/* Take one NAME=VALUE; @seen has a bit for each option that was there. */
static int parse_option(char *text, struct shardblk_command *command,
			u32 *seen)
{
	const struct control_option *option;
	char *value = strchr(text, '=');
	size_t i;

	if (!value) {
		pr_err("\"%s\" is not of the form NAME=VALUE\n", text);
		return -EINVAL;
	}
	*value++ = '\0';
	for (i = 0; i < ARRAY_SIZE(control_options); i++) {
		option = &control_options[i];
		if (option->verb == command->verb &&
		    !strcmp(option->name, text))
			break;
	}
	if (i == ARRAY_SIZE(control_options)) {
		pr_err("\"%s\" has no option \"%s\"\n",
		       control_verbs[command->verb], text);
		return -EINVAL;
	}
	if (*seen & BIT(i)) {
		pr_err("option \"%s\" is given twice\n", text);
		return -EINVAL;
	}
	*seen |= BIT(i);
	if (option->set(&command->options, value)) {
		pr_err("\"%s\" is not a valid value of option \"%s\"\n", value,
		       text);
		return -EINVAL;
	}
	return 0;
}

static int check_needed(const struct shardblk_command *command, u32 seen)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(control_options); i++) {
		const struct control_option *option = &control_options[i];

		if (option->verb == command->verb && option->needed &&
		    !(seen & BIT(i))) {
			pr_err("\"%s\" needs option \"%s\"\n",
			       control_verbs[command->verb], option->name);
			return -EINVAL;
		}
	}
	return 0;
}

int shardblk_command_parse(char *line, struct shardblk_command *command)
{
	char *verb, *text;
	u32 seen = 0;
	int i;

	line = strim(line);
	verb = strsep(&line, " \t");
	i = match_string(control_verbs, ARRAY_SIZE(control_verbs), verb);
	if (i < 0) {
		pr_err("unknown command \"%s\"\n", verb);
		return -EINVAL;
	}
	memset(command, 0, sizeof(*command));
	command->verb = i;
	command->options.id = SHARDBLK_ID_ANY;
	line = line ? skip_spaces(line) : NULL;
	while ((text = strsep(&line, ",")))
		if (parse_option(text, command, &seen))
			return -EINVAL;
	return check_needed(command, seen);
}

static int control_run(char *line)
{
	struct shardblk_command command;
	int ret;

	ret = shardblk_command_parse(line, &command);
	if (ret)
		return ret;
	switch (command.verb) {
	case SHARDBLK_ADD:
		ret = shardblk_add(&command.options);
		return ret < 0 ? ret : 0;
	case SHARDBLK_REMOVE:
		return shardblk_remove(command.options.id);
	}
	return -EINVAL;
}

static ssize_t control_write(struct file *file, const char __user *from,
			     size_t count, loff_t *pos)
{
	size_t len = min_t(size_t, count, LINE_MAX);
	char *line, *end;
	int error = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!count)
		return 0;
	line = memdup_user_nul(from, len);
	if (IS_ERR(line))
		return PTR_ERR(line);
	end = memchr(line, '\n', len);
	if (end) {
		*end = '\0';
		len = end + 1 - line;
	} else if (len < count) {
		pr_err("line too long\n");
		error = -EINVAL;
	}
	if (!error && *skip_spaces(line))
		error = control_run(line);
	kfree(line);
	return error ? error : len;
}

static void control_show_commands(struct seq_file *m)
{
	size_t verb, i;

	for (verb = 0; verb < ARRAY_SIZE(control_verbs); verb++) {
		const char *comma = "";

		seq_printf(m, "%s ", control_verbs[verb]);
		for (i = 0; i < ARRAY_SIZE(control_options); i++) {
			const struct control_option *o = &control_options[i];

			if (o->verb != verb)
				continue;
			seq_printf(m, o->needed ? "%s%s=%s" : "[%s%s=%s]",
				   comma, o->name, o->value);
			comma = ",";
		}
		seq_putc(m, '\n');
	}
}

static int control_show(struct seq_file *m, void *v)
{
	struct shardblk_status status;
	unsigned int i, nr;
	s32 *ids;

	control_show_commands(m);
	ids = kmalloc_array(SHARDBLK_DEVICES_MAX, sizeof(*ids), GFP_KERNEL);
	if (!ids)
		return -ENOMEM;
	nr = shardblk_ids(ids);
	for (i = 0; i < nr; i++) {
		/* It may have been removed meanwhile. */
		if (shardblk_report(ids[i], &status))
			continue;
		seq_printf(m, "id=%d backing=%s uuid=%pUb size=%llu state=%s\n",
			   ids[i], status.backing, status.uuid,
			   status.logical_blocks * status.block_size,
			   shard_state_name(status.state));
	}
	kfree(ids);
	shardblk_show_adding(m);
	return 0;
}

static int control_open(struct inode *inode, struct file *file)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	/* The misc device, which seq_file has no use for. */
	file->private_data = NULL;
	return single_open(file, control_show, NULL);
}

const struct file_operations shardblk_control_fops = {
	.owner		= THIS_MODULE,
	.open		= control_open,
	.release	= single_release,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.write		= control_write,
	.unlocked_ioctl	= shardblk_control_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
