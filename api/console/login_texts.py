"""Texts of logging in, in Vietnamese and English: (vi, en)."""

from __future__ import annotations

from typing import Literal

Language = Literal["vi", "en"]

LOGIN_TEXTS: dict[str, tuple[str, str]] = {
    "log_in": ("Đăng nhập", "Log in"),
    "log_in_button": ("Đăng nhập", "Log in"),
    "name": ("Tên đăng nhập", "Name"),
    "password": ("Mật khẩu", "Password"),
    "choose": ("Đặt mật khẩu mới", "Choose a password"),
    "choose_note": (
        "Xin chào {0}. Hãy đặt mật khẩu riêng, ít nhất 12 ký tự, rồi mới làm việc được.",
        "Welcome, {0}. Choose a password of your own, at least 12 characters, before you go on.",
    ),
    "choose_button": ("Lưu mật khẩu", "Save the password"),
    "old": ("Mật khẩu hiện tại", "Present password"),
    "new": ("Mật khẩu mới", "New password"),
    "again": ("Nhập lại mật khẩu mới", "New password again"),
    "other_language": ("English", "Tiếng Việt"),
    "wrong": ("Sai tên đăng nhập hoặc mật khẩu.", "The name or the password is wrong."),
    "too_many": (
        "Sai quá nhiều lần. Hãy thử lại sau {0} giây.",
        "Too many wrong tries. Try again in {0} seconds.",
    ),
    "differ": ("Hai mật khẩu mới không giống nhau.", "The two new passwords differ."),
    "weak": (
        "Mật khẩu mới phải có từ 12 ký tự, khác mật khẩu cũ, không chứa tên đăng nhập và không quá đơn giản.",
        "The new password must have at least 12 characters, differ from the old one, and be neither the name "
        "nor a few characters repeated.",
    ),
    "refused": ("Không đăng nhập được: {0}", "Not logged in: {0}"),
    # On the operator's page
    "log_out": ("Đăng xuất", "Log out"),
    "logged_in_as": ("{0} · {1}", "{0} · {1}"),
    "no_log_in": (
        "Không cần đăng nhập: chỉ máy này truy cập được",
        "No log-in: only this machine reaches it",
    ),
    "viewer": ("Người xem", "Viewer"),
    "operator": ("Trực ban", "Operator"),
    "engineer": ("Kỹ sư", "Engineer"),
    "administrator": ("Quản trị", "Administrator"),
    "part_of_city": ("một phần thành phố", "a part of the city"),
    "your_name": ("Bạn ký tên là {0}", "You sign as {0}"),
    "only_looking": (
        "Vai trò của bạn chỉ cho phép xem.",
        "Your role lets you look, and not act.",
    ),
}
