"""Makes words.zip, traversal.zip and encrypted.zip with Python's zipfile: archives that this package did not write."""
import io
import os
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TRAIN = "".join(f" line {i} of the training text \n" for i in range(2000))
MEMBERS = [
    ("words/train.tokens", TRAIN, zipfile.ZIP_DEFLATED),
    ("words/valid.tokens", " = Héading = \n \n", zipfile.ZIP_STORED),
    ("words/test.tokens", " the test \n", zipfile.ZIP_DEFLATED),
]


def archive(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name, text, method in members:
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.compress_type = method
            target.writestr(info, text)
    return bytearray(out.getvalue())


def save(name, content):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(content)


words = archive([("words/", "", zipfile.ZIP_STORED), *MEMBERS])
save("words.zip", words)
save("traversal.zip", archive([MEMBERS[2], ("../outside.txt", "outside", zipfile.ZIP_STORED)]))

# The flag of encryption, in both headers of the last member.
encrypted = archive([MEMBERS[2]])
encrypted[6] |= 1
encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
save("encrypted.zip", encrypted)
