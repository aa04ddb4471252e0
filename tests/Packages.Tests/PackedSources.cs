using System.IO.Compression;
using System.Xml.Linq;

namespace Packages.Tests;

/// <summary>A copy of this repository's sources as a clone of it would have them, and the packages that <c>dotnet pack</c> makes there.</summary>
public sealed class PackedSources : IDisposable
{
    /// <summary>Where the copy says that it was cloned from, so that there is something for SourceLink to link to.</summary>
    public const string Origin = "https://github.com/crnmlnet/crnmlnet";

    private readonly TemporaryFolder _folder = new();

    public PackedSources()
    {
        var root = FindRoot();
        Sources = Path.Combine(_folder.Path, "sources");
        foreach (var file in Git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z").Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!File.Exists(Path.Combine(root, file)))
                continue;
            var copy = Path.Combine(Sources, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Path.Combine(root, file), copy);
        }

        Git(Sources, "init", "-q");
        Git(Sources, "remote", "add", "origin", Origin + ".git");
        Git(Sources, "add", ".");
        Git(Sources, "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "-q", "-m", "sources");
        Commit = Git(Sources, "rev-parse", "HEAD").Trim();
        // A plain 'dotnet pack' gives the same, but builds all tests and samples as well.
        Dotnet.Run(Sources, "build", "src/CrnMlNet.Cli", "--configuration", "Release", "-p:Version=" + Version, "--verbosity", "quiet");
        foreach (var library in Directory.GetDirectories(Path.Combine(Sources, "src")))
            Dotnet.Run(library, "pack", "--no-build", "--output", Feed, "-p:Version=" + Version, "--verbosity", "quiet");
    }

    public string Sources { get; }

    public string Feed => Path.Combine(_folder.Path, "feed");

    public string Commit { get; }

    /// <summary>One that no package has that somebody installed here, since NuGet would take that for it.</summary>
    public string Version { get; } = $"0.0.1-test.{Guid.NewGuid():N}";

    /// <summary>What a build needs so as to find the packages, without leaving them behind in the user's package folder.</summary>
    public string[] FromFeed =>
    [
        "-p:Version=" + Version,
        "-p:RestoreAdditionalProjectSources=" + Feed,
        "-p:RestorePackagesPath=" + Path.Combine(_folder.Path, "packages"),
        "-p:RestoreFallbackFolders=" + UserPackages,
    ];

    private static string UserPackages =>
        Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    public string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(_folder.Path, name)).FullName;

    public ZipArchive Open(string id, string extension = "nupkg") => ZipFile.OpenRead(Path.Combine(Feed, $"{id}.{Version}.{extension}"));

    /// <summary>The package's description of itself.</summary>
    public XElement Metadata(string id)
    {
        using var package = Open(id);
        using var nuspec = package.GetEntry(id + ".nuspec")!.Open();
        var metadata = XElement.Load(nuspec);
        foreach (var element in metadata.DescendantsAndSelf())
            element.Name = element.Name.LocalName;
        return metadata.Element("metadata")!;
    }

    public void Dispose() => _folder.Dispose();

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "CrnMlNet.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"CrnMlNet.sln is in no folder above {AppContext.BaseDirectory}.");
    }

    private static string Git(string folder, params string[] arguments) => Dotnet.RunProgram(folder, "git", arguments);
}
