// What the radios of a configuration name in the file system is looked at before a door needs it.

#include "host/radio_files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "host/file.h"
#include "host/temporary_folder.h"
#include "host/tls_test_certificate.h"

namespace meshchain::host {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class RadioFilesTest : public testing::Test {
protected:
    std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
    void write(const std::string& name, std::string_view content, fs::perms permissions) {
        ASSERT_TRUE(write_file(path(name), base::as_bytes(content)));
        fs::permissions(path(name), permissions);
    }
    /// All problems, one a line.
    std::string problems(const std::vector<node::RadioConfig>& radios) {
        std::string text;
        for (const base::Error& problem : radio_file_problems(radios, folder_.path())) {
            EXPECT_FALSE(problem.advice.empty()) << problem.what;
            text += sentence(problem) + "\n";
        }
        return text;
    }
    static node::RadioConfig by_mqtt(const std::string& password, const std::string& authority) {
        node::MqttRadio door;
        door.user = "me";
        door.password_path = password;
        door.tls = true;
        door.authority_path = authority;
        return {.door = door, .region = {}};
    }
    static node::RadioConfig by_serial(const std::string& path) {
        return {.door = node::SerialRadio{path, 115'200, ""}, .region = {}};
    }

    static constexpr fs::perms owner = fs::perms::owner_read | fs::perms::owner_write;
    TemporaryFolder folder_;
};

TEST_F(RadioFilesTest, PasswordFileOfNoUse_IsNamed_WithoutWhatIsInIt) {
    write("open", "secret\n", owner | fs::perms::others_read);
    write("group", "secret\n", owner | fs::perms::group_read);
    write("empty", "", owner);
    write("zeros", std::string_view("sec\0ret", 7), owner);
    write("long", std::string(2'000, 's'), owner);
    write("binary", "\xff\xfe\n", owner);
    fs::create_directory(path("folder"));
    fs::permissions(path("folder"), fs::perms::owner_all);
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), S_IRUSR | S_IWUSR), 0);  // nobody ever writes to it
    for (const char* name :
         {"none", "open", "group", "empty", "zeros", "long", "binary", "folder", "pipe"}) {
        EXPECT_THAT(problems({by_mqtt(name, "")}),
                    AllOf(HasSubstr("radios[0].mqtt.password_path"), HasSubstr(path(name)),
                          Not(HasSubstr("sec"))))
            << name;
    }
    write("good", "secret\n", owner);
    EXPECT_EQ(problems({by_mqtt("good", "")}), "");
    EXPECT_EQ(problems({by_mqtt(path("good"), "")}), "") << "an absolute path";
}

TEST_F(RadioFilesTest, AuthorityOfNoUse_IsNamed) {
    write("text", "not a certificate\n", owner);
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), S_IRUSR | S_IWUSR), 0);
    for (const char* name : {"none", "text", "pipe", "."}) {
        EXPECT_THAT(problems({by_serial("/nowhere"), by_mqtt("", name)}),
                    AllOf(HasSubstr("radios[1].mqtt.authority_path"), HasSubstr(path(name))))
            << name;
    }
    const TestCertificate good = make_certificate(folder_.path(), "broker");
    EXPECT_EQ(problems({by_mqtt("", good.certificate.string())}), "");
}

TEST_F(RadioFilesTest, SerialPortByTwoNames_IsOneRadio) {  // E9
    write("port", "", owner);
    write("other", "", owner);
    fs::create_directory(path("by-id"));
    fs::create_symlink("../port", path("by-id/usb-radio"));
    fs::create_symlink("by-id/usb-radio", path("radio"));
    fs::create_symlink("/dev/null", path("null"));
    for (const auto& [one, two] : {std::pair(path("port"), path("by-id/usb-radio")),
                                   std::pair(path("by-id/usb-radio"), path("radio")),
                                   std::pair(std::string("/dev/null"), path("null"))}) {
        EXPECT_THAT(problems({by_serial(one), by_serial(path("other")), by_serial(two)}),
                    AllOf(HasSubstr("radios[2]"), HasSubstr("radios[0]"), HasSubstr(one)));
    }
    fs::create_symlink("nowhere", path("loose"));
    EXPECT_EQ(problems({by_serial(path("port")), by_serial(path("other")), by_serial(path("loose")),
                        by_serial("/dev/null")}),
              "");
}

}  // namespace
}  // namespace meshchain::host
