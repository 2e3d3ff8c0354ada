"""What people bring: its kind is told by its content, it is cleaned, and what is found in it is written down.

    pages → desk → `inspection.look` → one confined process for each file: picture, sound, document, book or markup
                                     ← a clean file, its words, its pages, a cover, and what was taken out

Everything but `kind` and `inspection` runs only in such a process. Every other byte a stranger sent stays unread here.
"""
