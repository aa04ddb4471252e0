using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace CrnMlNet.Tests.Rows;

/// <summary>
/// ML.NET's own view of a list, which shuffles and looks at the list as it is. <c>LoadFromEnumerable</c> gives another that does
/// neither, and from files or text no list of images can be made.
/// </summary>
internal static class ShufflableRows
{
    public static IDataView From<TRow>(MLContext mlContext, IList<TRow> rows) where TRow : class
        => typeof(MLContext).Assembly.GetType("Microsoft.ML.Data.DataViewConstructionUtils", throwOnError: true)!
            .GetMethod("CreateFromList", BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)!
            .MakeGenericMethod(typeof(TRow))
            .CreateDelegate<Func<IHostEnvironment, IList<TRow>, Microsoft.ML.Data.SchemaDefinition?, IDataView>>()(mlContext, rows, null);
}
