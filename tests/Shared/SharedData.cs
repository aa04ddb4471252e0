namespace CrnMlNet.Tests.Shared;

/// <summary>Real data that lies beside the repository, in <c>../shared/data</c>, where it is at hand.</summary>
internal static class SharedData
{
    private static readonly string? Root = FindRoot(AppContext.BaseDirectory);

    /// <summary>A file or folder of it; the test is skipped where there is none.</summary>
    public static string Find(params string[] path)
    {
        Assert.SkipWhen(Root is null, "The real data (../shared/data) is not here.");
        return Path.Combine([Root, .. path]);
    }

    private static string? FindRoot(string folder)
    {
        for (var parent = new DirectoryInfo(folder); parent is not null; parent = parent.Parent)
        {
            if (File.Exists(Path.Combine(parent.FullName, "CrnMlNet.sln")))
                return Path.GetFullPath(Path.Combine(parent.FullName, "..", "shared", "data")) is var data && Directory.Exists(data) ? data : null;
        }

        return null;
    }
}
