// SPDX-License-Identifier: GPL-2.0
//
// base - the few building blocks that core uses everywhere: a view of text, a
// bounded line, a view of an array, an owned buffer. No heap of its own, no
// library: the same code runs in the kernel and on the host.
#pragma once
#include "../abi.h"

namespace st {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using s32 = int32_t;
using s64 = int64_t;

constexpr size_t length(const char *text)
{
	size_t n = 0;
	while (text && text[n])
		n++;
	return n;
}

// Text that somebody else owns; need not end in NUL.
class Text {
public:
	constexpr Text() = default;
	constexpr Text(const char *text) : data_(text), bytes_(length(text)) {}
	constexpr Text(const char *text, size_t bytes) : data_(text), bytes_(bytes) {}

	constexpr const char *data() const { return data_; }
	constexpr size_t size() const { return bytes_; }
	constexpr bool empty() const { return bytes_ == 0; }
	constexpr char operator[](size_t i) const { return data_[i]; }
	constexpr Text from(size_t at) const
	{
		return at < bytes_ ? Text(data_ + at, bytes_ - at) : Text();
	}
	constexpr Text until(size_t at) const
	{
		return Text(data_, at < bytes_ ? at : bytes_);
	}
	friend constexpr bool operator==(Text a, Text b)
	{
		if (a.bytes_ != b.bytes_)
			return false;
		for (size_t i = 0; i < a.bytes_; i++)
			if (a.data_[i] != b.data_[i])
				return false;
		return true;
	}

private:
	const char *data_ = "";
	size_t bytes_ = 0;
};

// A line under construction. What does not fit is cut, and truncated() tells.
template <size_t Capacity> class Line {
public:
	constexpr Line() = default;
	Line(Text text) { add(text); }

	Line &add(Text text)
	{
		for (size_t i = 0; i < text.size(); i++)
			put(text[i]);
		return *this;
	}
	Line &add_char(char c)
	{
		put(c);
		return *this;
	}
	Line &add_dec(u64 value)
	{
		char digits[20];
		int n = 0;
		do {
			digits[n++] = static_cast<char>('0' + value % 10);
			value /= 10;
		} while (value);
		while (n)
			put(digits[--n]);
		return *this;
	}
	Line &add_hex(u64 value)
	{
		put('0');
		put('x');
		int shift = 60;
		while (shift && !((value >> shift) & 15))
			shift -= 4;
		for (; shift >= 0; shift -= 4)
			put("0123456789abcdef"[(value >> shift) & 15]);
		return *this;
	}
	Text text() const { return Text(data_, bytes_); }
	const char *c_str() const { return data_; }
	bool empty() const { return bytes_ == 0; }
	bool truncated() const { return truncated_; }
	void clear() { bytes_ = 0; data_[0] = 0; truncated_ = false; }

private:
	void put(char c)
	{
		if (bytes_ + 1 >= Capacity) {
			truncated_ = true;
			return;
		}
		data_[bytes_++] = c;
		data_[bytes_] = 0;
	}
	char data_[Capacity] = {};
	size_t bytes_ = 0;
	bool truncated_ = false;
};

// An array that somebody else owns.
template <typename T> class Span {
public:
	constexpr Span() = default;
	constexpr Span(T *data, size_t count) : data_(data), count_(count) {}
	template <size_t N> constexpr Span(T (&array)[N]) : data_(array), count_(N) {}
	constexpr operator Span<const T>() const { return Span<const T>(data_, count_); }

	constexpr T *begin() const { return data_; }
	constexpr T *end() const { return data_ + count_; }
	constexpr T &operator[](size_t i) const { return data_[i]; }
	constexpr size_t size() const { return count_; }
	constexpr bool empty() const { return count_ == 0; }
	constexpr T *data() const { return data_; }
	constexpr Span first(size_t n) const { return Span(data_, n < count_ ? n : count_); }

private:
	T *data_ = nullptr;
	size_t count_ = 0;
};

// Zeroed memory from the kernel side, given back at the end of the scope.
template <typename T> class Buffer {
public:
	Buffer(const st_ops &ops, size_t count)
		: ops_(ops), data_(static_cast<T *>(ops.buffer_get(count * sizeof(T)))),
		  count_(data_ ? count : 0)
	{
	}
	~Buffer()
	{
		if (data_)
			ops_.buffer_put(data_);
	}
	Buffer(const Buffer &) = delete;
	Buffer &operator=(const Buffer &) = delete;

	explicit operator bool() const { return data_ != nullptr; }
	Span<T> all() const { return Span<T>(data_, count_); }
	T *data() const { return data_; }
	size_t size() const { return count_; }
	T &operator[](size_t i) const { return data_[i]; }

private:
	const st_ops &ops_;
	T *data_;
	size_t count_;
};

} // namespace st
