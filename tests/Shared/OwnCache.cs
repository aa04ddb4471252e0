using System.Runtime.CompilerServices;
using CrnMlNet.Torch.Backend;

namespace CrnMlNet.Tests.Shared;

/// <summary>These tests, and processes that they start, have a cache folder of their own: what the user has imported stays out of it.</summary>
internal static class OwnCache
{
    [ModuleInitializer]
    internal static void Choose() => Environment.SetEnvironmentVariable(UserCache.Variable, Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "cache")));
}
